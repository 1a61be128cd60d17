import { json, serveHttp, text, type Handler, type Running, type StandInContext } from '../server.ts';
import { createCaller, forwardedHeaders, type Call } from './call.ts';

const isbn = '0486424618';
const timeout = 5000;

interface Details {
  readonly id: number;
  readonly author: string;
  readonly year: number | string;
  readonly type: string;
  readonly pages: number;
  readonly publisher: string;
  readonly language: string;
  readonly 'ISBN-10': string;
  readonly 'ISBN-13': string;
}

/** Bookinfo's details: a book's facts, from memory (v1) or from Google Books (v2, `ENABLE_EXTERNAL_BOOK_SERVICE`). */
export async function details(context: StandInContext, version: string): Promise<Running> {
  const { call, close } = createCaller();
  const external = (context.env['ENABLE_EXTERNAL_BOOK_SERVICE'] ?? String(version === 'v2')) === 'true';
  const plain = context.env['DO_NOT_ENCRYPT'] === 'true';
  const handler: Handler = async ({ method, path, headers }) => {
    if (path === '/health') return json(200, { status: 'Details is healthy' });
    const match = /^\/details\/(.*)$/.exec(path);
    if (match === null) return text(404, 'Not Found\n');
    if (method !== 'GET') return text(405, 'Method Not Allowed\n');
    const id = Number.parseInt(match[1] ?? '', 10);
    if (Number.isNaN(id)) return json(400, { error: 'please provide numeric product id' });
    try {
      return json(200, external ? await fromGoogle(id, plain, call, forwardedHeaders(headers, ['end-user'])) : fromMemory(id));
    } catch (error) {
      context.log(`book service failed: ${String(error)}`);
      return json(400, { error: 'the book service did not answer' });
    }
  };
  const running = await serveHttp(context, portOf(context), handler);
  return { ...running, stop: async () => { close(); await running.stop(); } };
}

/** Bookinfo's servers take their port as the first argument. */
export function portOf(context: StandInContext): number {
  const port = Number(context.args[0]);
  return Number.isInteger(port) && port > 0 && port < 65_536 ? port : 9080;
}

function fromMemory(id: number): Details {
  return { id, author: 'William Shakespeare', year: 1595, type: 'paperback', pages: 200, publisher: 'PublisherA', language: 'English', 'ISBN-10': '1234567890', 'ISBN-13': '123-1234567890' };
}

interface Volumes {
  readonly items?: readonly { readonly volumeInfo?: {
    readonly authors?: readonly string[]; readonly publishedDate?: string; readonly printType?: string; readonly pageCount?: number; readonly publisher?: string; readonly language?: string;
    readonly industryIdentifiers?: readonly { readonly type: string; readonly identifier: string }[];
  } }[];
}

async function fromGoogle(id: number, plain: boolean, call: Call, headers: Readonly<Record<string, string>>): Promise<Details> {
  // Over plaintext the mesh originates the TLS.
  const { status, body } = await call(`${plain ? 'http' : 'https'}://www.googleapis.com/books/v1/volumes?q=isbn:${isbn}`, headers, timeout);
  if (status !== 200) throw new Error(`status ${status}`);
  const book = (JSON.parse(body) as Volumes).items?.[0]?.volumeInfo;
  if (book === undefined) throw new Error('no such book');
  const number = (type: string): string => book.industryIdentifiers?.find((one) => one.type === type)?.identifier ?? '';
  return {
    id, author: book.authors?.[0] ?? '', year: book.publishedDate ?? '', type: book.printType === 'BOOK' ? 'paperback' : 'unknown', pages: book.pageCount ?? 0,
    publisher: book.publisher ?? '', language: book.language === 'en' ? 'English' : 'unknown', 'ISBN-10': number('ISBN_10'), 'ISBN-13': number('ISBN_13'),
  };
}
