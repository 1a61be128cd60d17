/** What the product page shows. */
export interface ProductView {
  readonly title: string;
  readonly descriptionHtml: string;
  readonly user: string;
  readonly detailsStatus: number;
  readonly details: Readonly<Record<string, unknown>>;
  readonly reviewsStatus: number;
  readonly reviews: {
    readonly error?: string; readonly podname?: string; readonly clustername?: string;
    readonly reviews?: readonly { readonly reviewer: string; readonly text: string; readonly rating?: { readonly stars?: number; readonly color?: string; readonly error?: string } }[];
  };
}

const style = `
body{margin:0;font:16px/1.5 system-ui,sans-serif;color:#1f2937;background:#f8fafc}
header{display:flex;gap:16px;align-items:center;padding:12px 24px;background:#0f172a;color:#fff}
header a{color:#fff;text-decoration:none;font-weight:600;flex:1}
header form{display:flex;gap:8px}input,button{font:inherit;padding:4px 8px;border:1px solid #94a3b8;border-radius:6px}
main{max-width:1040px;margin:0 auto;padding:24px}h1{font-size:32px;margin:8px 0}
.columns{display:grid;grid-template-columns:1fr 2fr;gap:24px;margin-top:24px}
section{background:#fff;border:1px solid #e2e8f0;border-radius:10px;padding:20px}
dl{display:grid;grid-template-columns:auto 1fr;gap:4px 16px;margin:0}dt{color:#475569}dd{margin:0}
blockquote{margin:0 0 20px;padding-left:16px;border-left:3px solid #cbd5e1}footer,small{color:#475569}.stars{font-size:20px;letter-spacing:2px}
.error{color:#9f1239}@media(max-width:760px){.columns{grid-template-columns:1fr}}`;

function layout(body: string, user: string): string {
  const session = user === ''
    ? '<form method="post" action="/login"><input name="username" placeholder="User name" aria-label="User name"><input name="passwd" type="password" placeholder="Password" aria-label="Password"><button>Sign in</button></form>'
    : `<span>${escapeHtml(user)}</span><form method="get" action="/logout"><button>Sign out</button></form>`;
  return `<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>Simple Bookstore App</title><style>${style}</style></head>
<body><header><a href="/productpage">Bookinfo Sample</a>${session}</header><main>
${body}
</main></body>
</html>
`;
}

/** The start page, with links to the product page. */
export function indexPage(user: string): string {
  return layout('<h1>Bookinfo</h1><p>A page that four services make together: this one, details, reviews and ratings.</p><p><a href="/productpage?u=normal">The product page</a></p>', user);
}

/** The product page; a part that could not be fetched says so, the rest is shown. */
export function productPage(view: ProductView): string {
  return layout(`<h1>${escapeHtml(view.title)}</h1>
<p>${view.descriptionHtml}</p>
<div class="columns">
<section><h2>Book Details</h2>
${view.detailsStatus === 200 ? detailsHtml(view.details) : errorHtml('details', String(view.details['error'] ?? ''))}
</section>
<section><h2>Book Reviews</h2>
${view.reviewsStatus === 200 ? reviewsHtml(view.reviews) : errorHtml('reviews', view.reviews.error ?? '')}
</section>
</div>`, view.user);
}

function errorHtml(what: string, message: string): string {
  return `<p class="error"><strong>Error fetching product ${what}!</strong></p>\n<p>${escapeHtml(message)}</p>`;
}

function detailsHtml(details: Readonly<Record<string, unknown>>): string {
  const rows: readonly (readonly [string, string])[] = [['ISBN-10', 'ISBN-10'], ['Publisher', 'publisher'], ['Pages', 'pages'], ['Type', 'type'], ['Language', 'language']];
  return `<dl>${rows.map(([label, key]) => `<dt>${label}</dt><dd>${escapeHtml(String(details[key] ?? ''))}</dd>`).join('')}</dl>`;
}

function reviewsHtml({ reviews = [], podname = '', clustername = '' }: ProductView['reviews']): string {
  const quotes = reviews.map(({ reviewer, text, rating }) => `<blockquote><p>${escapeHtml(text)}</p>${ratingHtml(rating)}<small>${escapeHtml(reviewer)}</small></blockquote>`);
  return `${quotes.join('\n')}\n<footer>Reviews served by: <span>${escapeHtml(podname)}</span>${clustername === '' || clustername === 'null' ? '' : ` on cluster ${escapeHtml(clustername)}`}</footer>`;
}

function ratingHtml(rating: { readonly stars?: number; readonly color?: string; readonly error?: string } | undefined): string {
  if (rating === undefined) return '';
  if (rating.error !== undefined) return `<p><em>${escapeHtml(rating.error)}</em></p>`;
  const stars = Math.max(0, Math.min(5, Math.round(rating.stars ?? 0)));
  const color = /^[a-z]{1,20}$/.test(rating.color ?? '') ? rating.color : 'black';
  return `<p class="stars" style="color: ${color}" role="img" aria-label="${stars} of 5 stars">${'★'.repeat(stars)}${'☆'.repeat(5 - stars)}</p>`;
}

function escapeHtml(text: string): string {
  const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? character);
}
