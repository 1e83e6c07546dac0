/**
 * The committed corpus and vectors in a real browser, from the built package: same verdicts as in
 * Node.
 */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, it } from 'mocha';
import { chromium } from 'playwright-core';

import type { CommittedCase } from './support/committed-corpus.ts';
import { committedCases } from './support/committed-corpus.ts';

const CHROMIUM = '/usr/bin/chromium';
const PACKAGE = fileURLToPath(new URL('..', import.meta.url));
const NOBLE = fileURLToPath(new URL('../../../node_modules/@noble/', import.meta.url));
const BUILT = join(PACKAGE, 'dist/index.js');
const ARGUMENTS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
const IMPORTS = {
  '@kudurru/proof': '/proof/dist/index.js',
  '@noble/curves/': '/noble/curves/',
  '@noble/hashes/': '/noble/hashes/',
};
const IMPORT_MAP = JSON.stringify({ imports: IMPORTS });
const PAGE = `<!doctype html><script type="importmap">${IMPORT_MAP}</script>`;
const TYPES: Readonly<Record<string, string>> = {
  '.js': 'text/javascript',
  '.json': 'application/json',
};

interface BrowserReport {
  readonly verdicts: readonly CommittedCase[];
  readonly torsion: readonly boolean[];
}

const missing = [CHROMIUM, BUILT].find((path) => !existsSync(path));

describe('browser', function () {
  this.timeout(0); // a browser starts when it starts

  if (missing !== undefined) {
    it(`the corpus in Chromium; pending: there is no ${missing}`);
    return;
  }

  it('Chromium gives the verdicts of the corpus', async () => {
    const server = await serve();
    const profile = mkdtempSync(join(tmpdir(), 'kudurru-proof-browser-'));
    try {
      const options = { executablePath: CHROMIUM, headless: true, args: ARGUMENTS };
      const context = await chromium.launchPersistentContext(profile, options);
      try {
        const page = await context.newPage();
        await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
        const report = (await page.evaluate(inBrowser())) as BrowserReport;
        const expected = (['accept', 'reject'] as const).flatMap((folder) =>
          committedCases(folder),
        );
        assert.deepEqual(report.verdicts, expected);
        assert.ok(report.torsion.length > 64 && report.torsion.every(Boolean));
      } finally {
        await context.close();
      }
    } finally {
      server.close();
      rmSync(profile, { recursive: true, force: true });
    }
  });
});

/** Runs in the page. A text, so that no part of this file's own program is in it. */
function inBrowser(): string {
  return `(async () => {
    const proof = await import('@kudurru/proof');
    const json = async (path) => (await fetch('/proof/testdata/' + path)).json();
    const text = async (path) => (await fetch('/proof/testdata/' + path)).text();
    const bytes = async (path) => (await fetch('/proof/testdata/' + path)).bytes();
    const verdicts = [];
    for (const folder of ['accept', 'reject']) {
      for (const { name } of await json(folder + '/index.json')) {
        const policy = proof.parseTrustPolicy(await text(folder + '/' + name + '.policy.json'));
        const verdict = await proof.verify(await bytes(folder + '/' + name + '.kudurru'), policy);
        const bad = verdict.checks.filter((c) => ['fail', 'unverifiable'].includes(c.outcome));
        verdicts.push({ name, headline: verdict.headline, checks: bad.map((c) => c.id) });
      }
    }
    const torsion = (await json('ed25519/torsion.json')).map((v) => {
      const [key, message, signature] = [v.publicKey, v.message, v.signature].map(proof.decodeHex);
      return proof.verifyEd25519(key, message, signature) === v.accepted;
    });
    return { verdicts, torsion };
  })()`;
}

function serve(): Promise<Server> {
  const server = createServer((request, response) => {
    const path = normalize(new URL(request.url ?? '/', 'http://localhost').pathname);
    if (path === '/') {
      response.setHeader('content-type', 'text/html').end(PAGE);
      return;
    }
    const file = path.startsWith('/noble/')
      ? join(NOBLE, path.slice('/noble/'.length))
      : join(PACKAGE, path.slice('/proof/'.length));
    if (!existsSync(file)) {
      response.writeHead(404).end();
      return;
    }
    response.setHeader('content-type', TYPES[extname(file)] ?? 'application/octet-stream');
    response.end(readFileSync(file));
  });
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve(server));
  });
}
