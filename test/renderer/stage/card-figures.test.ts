// @vitest-environment jsdom
import { describe, expect, it } from 'vitest';
import type { GraphNode } from '../../../src/contract/index.ts';
import { cardFigures } from '../../../renderer/views/stage/card-figures.ts';

const figures = (rps: number, errorShare = 0): GraphNode['figures'] => ({ rps, errorShare, p50: 4, p99: 9 });
const reviews = (rps: number, errorShare = 0, ready = 1): GraphNode => ({
  id: 'default/reviews', kind: 'service', name: 'reviews', namespace: 'default', figures: figures(rps, errorShare),
  versions: ['v1', 'v2'].map((version, index) => ({ version, pods: 1, ready: index === 0 ? ready : 1, figures: figures(rps / 2) })),
});

function card(): { readonly element: HTMLElement; readonly mutations: () => number } {
  const element = document.createElement('div');
  const places = '<span data-figure="errors" hidden><i></i><span></span></span><span><span data-figure="rps"></span></span>';
  element.innerHTML = places + ['v1', 'v2'].map(version => `<div data-version="${version}"><span data-figure="pods"></span>${places}</div>`).join('');
  const watch = new MutationObserver(() => undefined);
  watch.observe(element, { subtree: true, childList: true, attributes: true, characterData: true });
  return { element, mutations: () => watch.takeRecords().length };
}

describe('the figures of a card', () => {
  it('are written into its head and the row of each version', () => {
    const { element } = card();
    const write = cardFigures(element);
    write(reviews(42, 0.125, 0));
    expect([...element.querySelectorAll('[data-figure="rps"]')].map(each => each.textContent)).toEqual(['42', '21', '21']);
    expect(element.querySelector<HTMLElement>('[data-figure="errors"]')).toMatchObject({ hidden: false, textContent: '13 %', title: '13 % of requests fail' });
    expect(element.querySelector('[data-version="v1"]')?.hasAttribute('data-down')).toBe(true);
    expect(element.querySelector('[data-version="v1"] [data-figure="pods"]')?.textContent).toBe('0/1');
    write(reviews(0));
    expect(element.hasAttribute('data-quiet')).toBe(true);
    expect(element.querySelector<HTMLElement>('[data-figure="errors"]')?.hidden).toBe(true);
  });

  it('touch the page only where they read otherwise', () => {
    const { element, mutations } = card();
    const write = cardFigures(element);
    write(reviews(42));
    mutations();
    write(reviews(42.2));
    expect(mutations()).toBe(0);
    write(reviews(44)); // 44, 22 and 22: one piece of text each.
    expect(mutations()).toBe(3);
  });
});
