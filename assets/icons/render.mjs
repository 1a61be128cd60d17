// Draws mark.svg as PNGs of all sizes, as .ico (Windows) and as .icns (macOS): `node assets/icons/render.mjs`. Needs a Chromium (CHROMIUM, else /usr/bin/chromium).
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const folder = new URL('.', import.meta.url);
const sizes = [16, 24, 32, 48, 64, 128, 256, 512, 1024];

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox', '--disable-background-networking', '--disable-component-update'] });
const svg = await readFile(new URL('mark.svg', folder), 'utf8');
const images = new Map();
for (const size of sizes) {
  const page = await browser.newPage({ viewport: { width: size, height: size } });
  await page.setContent(`<style>html,body{margin:0;background:transparent}svg{display:block;width:${size}px;height:${size}px}</style>${svg}`);
  const png = await page.screenshot({ omitBackground: true });
  images.set(size, png);
  await writeFile(fileURLToPath(new URL(`${size}x${size}.png`, folder)), png);
  await page.close();
}
await browser.close();
await writeFile(fileURLToPath(new URL('icon.ico', folder)), ico([16, 24, 32, 48, 64, 128, 256]));
await writeFile(fileURLToPath(new URL('icon.icns', folder)), icns([['icp4', 16], ['icp5', 32], ['icp6', 64], ['ic07', 128], ['ic08', 256], ['ic09', 512], ['ic10', 1024]]));

/** An ICO with PNGs inside: header, one entry of 16 bytes for each, then the pictures. */
function ico(wanted) {
  const header = Buffer.alloc(6 + 16 * wanted.length);
  header.writeUInt16LE(1, 2);
  header.writeUInt16LE(wanted.length, 4);
  let offset = header.length;
  wanted.forEach((size, index) => {
    const at = 6 + 16 * index;
    const { length } = images.get(size);
    header.writeUInt8(size === 256 ? 0 : size, at);
    header.writeUInt8(size === 256 ? 0 : size, at + 1);
    header.writeUInt16LE(1, at + 4);
    header.writeUInt16LE(32, at + 6);
    header.writeUInt32LE(length, at + 8);
    header.writeUInt32LE(offset, at + 12);
    offset += length;
  });
  return Buffer.concat([header, ...wanted.map(size => images.get(size))]);
}

/** An ICNS with PNGs inside: `icns`, the whole length, then type, length and picture of each. */
function icns(wanted) {
  const parts = wanted.map(([type, size]) => {
    const head = Buffer.alloc(8);
    head.write(type, 'ascii');
    head.writeUInt32BE(images.get(size).length + 8, 4);
    return Buffer.concat([head, images.get(size)]);
  });
  const head = Buffer.alloc(8);
  head.write('icns', 'ascii');
  head.writeUInt32BE(8 + parts.reduce((sum, part) => sum + part.length, 0), 4);
  return Buffer.concat([head, ...parts]);
}
