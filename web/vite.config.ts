// SPDX-License-Identifier: Apache-2.0
// How the console is built: plain Vite, JSX from tsconfig. The content security policy is written into index.html
// here, because it needs the hashes of the inline script and style.
import { createHash } from 'node:crypto';
import { defineConfig, type Plugin } from 'vite';

function hashes(html: string, tag: string): string {
  const found = [...html.matchAll(new RegExp(`<${tag}>([\\s\\S]*?)</${tag}>`, 'g'))];
  return found.map((m) => `'sha256-${createHash('sha256').update(m[1] ?? '').digest('base64')}'`).join(' ');
}

const policy: Plugin = {
  name: 'content-security-policy',
  apply: 'build',
  transformIndexHtml: {
    order: 'post',
    handler: (html) => html.replace('<!--policy-->',
      `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'self' ${hashes(html, 'script')}; ` +
      `style-src 'self' ${hashes(html, 'style')}; img-src 'self' data: blob:; connect-src 'self'; base-uri 'none'; form-action 'none'">`),
  },
};

export default defineConfig({
  plugins: [policy],
  base: './',
  build: { target: 'es2023', assetsInlineLimit: 0, modulePreload: { polyfill: false }, reportCompressedSize: false },
  test: { include: ['src/**/*_test.ts'], environment: 'node' },
} as Parameters<typeof defineConfig>[0]);
