import { expect, it } from 'vitest';
import { rank } from '../../../renderer/ui/command-rank.ts';

const items = ['productpage-v1', 'reviews', 'reviews-v1', 'Traffic', 'virtual-service-reviews.yaml', 'Start traffic'].map((title) => ({ title, group: 'x', ...(title === 'reviews' ? { hint: 'reviews.default.svc.cluster.local' } : {}) }));
const found = (query: string): readonly string[] => rank(query, items).map(({ title }) => title);

it('keeps all in their order without a query', () => expect(found('  ')).toHaveLength(items.length));
it('puts the start of a title first, then words inside', () => expect(found('rev')).toEqual(['reviews', 'reviews-v1', 'virtual-service-reviews.yaml']));
it('wants every word', () => expect(found('rev v1')).toEqual(['reviews-v1']));
it('finds letters in order', () => expect(found('ppv1')).toEqual(['productpage-v1']));
it('finds by the hint too', () => expect(found('svc.cluster')).toEqual(['reviews']));
it('takes special characters as they are', () => expect(found('.*(')).toEqual([]));
