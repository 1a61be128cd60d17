// @vitest-environment jsdom
import { describe, expect, it } from 'vitest';
import { toHtml } from '../../../renderer/views/tutorials/markdown.tsx';

describe('a tutorial’s text', () => {
  it('keeps what it is written with', () => {
    expect(toHtml('**bold** `code` [view](view:stage) [docs](https://istio.io/)')).toBe('<p><strong>bold</strong> <code>code</code> <a href="view:stage">view</a> <a href="https://istio.io/">docs</a></p>\n');
  });

  it.each([
    '<script>alert(1)</script>', '<img src=x onerror=alert(1)>', '<a href="javascript:alert(1)">x</a>', '[x](javascript:alert(1))', '[x](data:text/html,x)', '<svg/onload=alert(1)>', '<iframe src=//evil></iframe>',
    '<style>*{display:none}</style>', '<p onclick="x()" style="position:fixed">x</p>', '<form action=//evil><input></form>', '[x](view:stage/../x)', '[x](file:///etc/passwd)',
  ])('never runs: %s', (text) => {
    const page = document.createElement('div');
    page.innerHTML = toHtml(text);
    const elements = [...page.querySelectorAll('*')];
    expect(elements.filter((element) => !['P', 'A', 'STRONG', 'CODE'].includes(element.tagName))).toEqual([]);
    expect(elements.flatMap((element) => [...element.attributes]).filter(({ name, value }) => name !== 'href' || !/^(https:\/\/|view:[a-z]+$)/.test(value))).toEqual([]);
  });
});
