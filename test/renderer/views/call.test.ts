import { expect, it } from 'vitest';
import { callFor, callProblem, type CallForm } from '../../../renderer/views/explain/call.ts';

const form = (more: Partial<CallForm>): CallForm => ({ from: 'ingress', method: 'GET', url: '/productpage', headers: [], ...more });

it('makes a path one on the ingress', () => {
  expect(callFor(form({}), 'http://127.0.0.1:8080/')).toEqual({ from: 'ingress', method: 'GET', url: 'http://127.0.0.1:8080/productpage', headers: [] });
});

it('takes headers as they are meant, and leaves empty rows out', () => {
  expect(callFor(form({ headers: [[' End-User ', ' jason'], ['', '']] }), '').headers).toEqual([['end-user', 'jason']]);
});

it.each([
  [form({})], [form({ url: 'http://shop.example/' })], [form({ from: 'default/p', url: 'http://reviews:9080/' })],
])('can be asked: %j', (good) => expect(callProblem(good)).toBeUndefined());

it.each([
  [form({ url: ' ' })], [form({ url: 'reviews' })], [form({ from: 'default/p' })], [form({ headers: [['bad name', 'x']] })], [form({ headers: [['', 'x']] })],
])('cannot be asked: %j', (bad) => expect(callProblem(bad)).toBeTypeOf('string'));
