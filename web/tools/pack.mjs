// SPDX-License-Identifier: Apache-2.0
// After the build: a gzip -9 twin of every file of dist/, and the size report. Fails when what the first screen loads
// (entry, its static imports, the Discover page, the larger catalogue) is over the budget. `--report` only prints.
import { gzipSync, constants } from 'node:zlib';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';

const KB = 1024;
const LIMITS = { js: 105 * KB, css: 15 * KB, html: 6 * KB, all: 1100 * KB };
const dist = join(import.meta.dirname, '..', 'dist');
const files = readdirSync(dist, { recursive: true, withFileTypes: true })
  .filter((e) => e.isFile() && !e.name.endsWith('.gz')).map((e) => relative(dist, join(e.parentPath, e.name))).sort();
const isReport = process.argv.includes('--report');

const sizes = new Map();
for (const name of files) {
  const bytes = readFileSync(join(dist, name));
  const gz = gzipSync(bytes, { level: constants.Z_BEST_COMPRESSION });
  gz[9] = 255; // operating system "unknown", so that the same input gives the same file everywhere
  if (!isReport) writeFileSync(join(dist, name + '.gz'), gz);
  sizes.set(name, { raw: bytes.length, gz: gz.length });
}

// What the first screen loads: follow static imports from the entry; of the lazy chunks Discover and one catalogue.
const html = readFileSync(join(dist, 'index.html'), 'utf8');
const base = (name) => name.split('/').at(-1);
const first = new Set();
function follow(name) {
  if (first.has(name) || !sizes.has(name)) return;
  first.add(name);
  if (!name.endsWith('.js')) return;
  const text = readFileSync(join(dist, name), 'utf8');
  for (const m of text.matchAll(/(?:from|import)\s*["'`]\.\/([^"'`]+)["'`]/g)) follow('assets/' + m[1]);
}
for (const m of html.matchAll(/(?:src|href)="\.\/(assets\/[^"]+)"/g)) follow(m[1]);
const lazyFirst = files.filter((f) => /^assets\/(discover)-/.test(f));
lazyFirst.forEach(follow);
const catalogues = files.filter((f) => /^assets\/(en|ko)-.*\.js$/.test(f));
if (catalogues.length) first.add(catalogues.reduce((a, b) => (sizes.get(a).gz > sizes.get(b).gz ? a : b)));

const sum = (test) => [...sizes].filter(([n]) => test(n)).reduce((s, [, v]) => s + v.gz, 0);
const totals = { js: sum((n) => first.has(n) && n.endsWith('.js')), css: sum((n) => first.has(n) && n.endsWith('.css')), html: sum((n) => n === 'index.html'), all: sum(() => true) };
const kb = (n) => (n / KB).toFixed(1).padStart(8) + ' KB';
for (const [name, s] of sizes) console.log(`${first.has(name) || name === 'index.html' ? '*' : ' '} ${base(name).padEnd(34)} ${kb(s.raw)} raw ${kb(s.gz)} gz`);
console.log(`first load (*): JS ${kb(totals.js)} of ${LIMITS.js / KB}, CSS ${kb(totals.css)} of ${LIMITS.css / KB}, HTML ${kb(totals.html)} of ${LIMITS.html / KB}; everything ${kb(totals.all)} of ${LIMITS.all / KB}`);
const over = Object.keys(LIMITS).filter((k) => totals[k] > LIMITS[k]);
if (over.length || totals.js === 0 || totals.css === 0) {
  console.error(over.length ? `over the size limit: ${over.join(', ')}` : 'the report found no first-load files: index.html has an unexpected shape');
  process.exit(1);
}
