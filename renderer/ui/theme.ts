import { createTheme, defaultVariantColorsResolver, type CSSVariablesResolver, type MantineColorsTuple, type VariantColorsResolver } from '@mantine/core';

const accent: MantineColorsTuple = ['#e3f6f2', '#c6ece4', '#9cdfd1', '#6dd0bd', '#4bc9b3', '#35c4ad', '#1f9f8c', '#0b7a6b', '#076458', '#044c43'];

/** Text on a filled ground: Mantine settles it for the light scheme alone, the token knows both. */
const readable: VariantColorsResolver = input => {
  const colors = defaultVariantColorsResolver(input);
  return input.variant === 'filled' ? { ...colors, color: 'var(--on-accent)' } : colors;
};

/** Mantine's theme in the terms of `tokens.css`: 13 px text, 4 px grid, small radii, one accent. */
export const theme = createTheme({
  primaryColor: 'accent',
  primaryShade: { light: 7, dark: 5 },
  variantColorResolver: readable,
  colors: { accent },
  fontFamily: 'var(--sans)',
  fontFamilyMonospace: 'var(--mono)',
  fontSizes: { xs: '11px', sm: '12px', md: '13px', lg: '15px', xl: '18px' },
  lineHeights: { xs: '1.4', sm: '1.45', md: '1.5', lg: '1.5', xl: '1.4' },
  spacing: { xs: '4px', sm: '8px', md: '12px', lg: '16px', xl: '24px' },
  radius: { xs: '3px', sm: '4px', md: '6px', lg: '8px', xl: '12px' },
  defaultRadius: 'md',
  cursorType: 'pointer',
  respectReducedMotion: true,
  headings: { fontWeight: '600', sizes: { h1: { fontSize: '18px' }, h2: { fontSize: '15px' }, h3: { fontSize: '13px' } } },
  components: {
    Tooltip: { defaultProps: { openDelay: 350, withArrow: false, offset: 6, multiline: true, maw: 320, events: { hover: true, focus: true, touch: false } } },
    Button: { defaultProps: { size: 'compact-sm' } },
    ActionIcon: { defaultProps: { variant: 'subtle', color: 'gray', size: 28 } },
    TextInput: { defaultProps: { size: 'xs' } },
    NumberInput: { defaultProps: { size: 'xs' } },
    Select: { defaultProps: { size: 'xs' } },
    SegmentedControl: { defaultProps: { size: 'xs', withItemsBorders: false } },
    Menu: { defaultProps: { shadow: 'md', position: 'bottom-start', offset: 4, transitionProps: { duration: 120 } } },
    Popover: { defaultProps: { shadow: 'md', transitionProps: { duration: 120 } } },
    Modal: { defaultProps: { centered: true, transitionProps: { duration: 150 } }, styles: { title: { fontSize: '14px', fontWeight: 600 } } },
  },
});

const variables = {
  '--mantine-color-body': 'var(--surface)',
  '--mantine-color-text': 'var(--text)',
  '--mantine-color-dimmed': 'var(--muted)',
  '--mantine-color-placeholder': 'var(--muted)',
  '--mantine-color-anchor': 'var(--accent)',
  '--mantine-color-default': 'var(--surface)',
  '--mantine-color-default-hover': 'color-mix(in srgb, var(--text) 6%, var(--surface))',
  '--mantine-color-default-color': 'var(--text)',
  '--mantine-color-default-border': 'var(--line-strong)',
  '--mantine-color-error': 'var(--error)',
  '--mantine-color-gray-text': 'var(--muted)',
  '--mantine-color-gray-light-color': 'var(--text)',
  '--mantine-color-gray-light': 'var(--hover)',
  '--mantine-color-gray-light-hover': 'var(--hover)',
  '--mantine-color-red-filled': 'var(--error)',
  '--mantine-color-red-text': 'var(--error)',
  '--mantine-color-accent-text': 'var(--accent)',
  '--mantine-color-accent-light-color': 'var(--accent)',
  '--mantine-shadow-md': 'var(--shadow-high)',
};

/** Mantine draws fields, tracks and borders of the dark scheme in its greys: give them the tokens' colours. */
const darkGreys = {
  '--mantine-color-dark-4': 'var(--line-strong)',
  '--mantine-color-dark-5': 'color-mix(in srgb, var(--text) 12%, var(--surface))',
  '--mantine-color-dark-6': 'var(--ground)',
  '--mantine-color-dark-7': 'var(--surface)',
  '--mantine-color-dark-8': 'var(--ground)',
};

/** Points Mantine's variables at the tokens, for both schemes. */
export const variablesResolver: CSSVariablesResolver = () => ({ variables: {}, light: variables, dark: { ...variables, ...darkGreys } });
