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

import { concatBytes, decodeHex, encodeHex } from '../src/bytes.ts';
import { formatTrustPolicy } from '../src/policy.ts';
import { makeCredential } from '../src/tpm-credential.ts';
import { FORGED_CASES } from './corpus/forged.ts';
import type { CommittedCase } from './support/committed-corpus.ts';
import { committedCases } from './support/committed-corpus.ts';
import { readTestdata } from './support/vectors.ts';

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
  readonly credential: string;
}

const missing = [CHROMIUM, BUILT].find((path) => !existsSync(path));

describe('browser', function () {
  this.timeout(0); // a browser starts when it starts

  if (missing !== undefined) {
    it(`the corpus in Chromium; pending: there is no ${missing}`);
    return;
  }

  it('Chromium gives the verdicts of the corpus', async () => {
    const server = await serve(await forgedFiles());
    const profile = mkdtempSync(join(tmpdir(), 'kudurru-proof-browser-'));
    try {
      const options = { executablePath: CHROMIUM, headless: true, args: ARGUMENTS };
      const context = await chromium.launchPersistentContext(profile, options);
      try {
        const page = await context.newPage();
        await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
        const report = (await page.evaluate(inBrowser())) as BrowserReport;
        const committed = (['accept', 'reject'] as const).flatMap((folder) =>
          committedCases(folder),
        );
        assert.deepEqual(report.verdicts, [...committed.map(sorted), ...FORGED.map(sorted)]);
        assert.equal(report.credential, await credentialHere());
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

/** What the verdict on each forged attestation must be. */
const FORGED: readonly CommittedCase[] = FORGED_CASES.map(({ name, overall, check, also = [] }) => {
  return { name, headline: overall, checks: [check, ...also] };
});

/** The checks in one order, whatever the case names first. */
function sorted(one: CommittedCase): CommittedCase {
  return { ...one, checks: [...one.checks].sort() };
}

/** Forged attestations as the committed corpus has its cases, but made here. */
async function forgedFiles(): Promise<ReadonlyMap<string, string | Uint8Array>> {
  const files = new Map<string, string | Uint8Array>();
  const folder = '/proof/testdata/forged';
  files.set(`${folder}/index.json`, JSON.stringify(FORGED));
  for (const { name, make } of FORGED_CASES) {
    const { bytes, policy } = await make();
    files.set(`${folder}/${name}.kudurru`, bytes);
    files.set(`${folder}/${name}.policy.json`, formatTrustPolicy(policy));
  }
  return files;
}

/** The credential that the page makes too, with the cryptography of its own platform. */
async function credentialHere(): Promise<string> {
  const { ek } = readTestdata<{ ek: { public: string } }>('tpm/swtpm.json');
  const { credentialBlob, encryptedSecret } = await makeCredential({
    ekPublic: decodeHex(ek.public),
    akName: new Uint8Array(34).fill(1),
    secret: new Uint8Array(32).fill(2),
    randomness: new Uint8Array(96).fill(3),
  });
  return encodeHex(concatBytes(credentialBlob, encryptedSecret));
}

/** Runs in the page. A text, so that no part of this file's own program is in it. */
function inBrowser(): string {
  return `(async () => {
    const proof = await import('@kudurru/proof');
    const json = async (path) => (await fetch('/proof/testdata/' + path)).json();
    const text = async (path) => (await fetch('/proof/testdata/' + path)).text();
    const bytes = async (path) => (await fetch('/proof/testdata/' + path)).bytes();
    const verdicts = [];
    for (const folder of ['accept', 'reject', 'forged']) {
      for (const { name } of await json(folder + '/index.json')) {
        const policy = proof.parseTrustPolicy(await text(folder + '/' + name + '.policy.json'));
        const verdict = await proof.verify(await bytes(folder + '/' + name + '.kudurru'), policy);
        const bad = verdict.checks.filter((c) => ['fail', 'unverifiable'].includes(c.outcome));
        verdicts.push({ name, headline: verdict.headline, checks: bad.map((c) => c.id).sort() });
      }
    }
    const torsion = (await json('ed25519/torsion.json')).map((v) => {
      const [key, message, signature] = [v.publicKey, v.message, v.signature].map(proof.decodeHex);
      return proof.verifyEd25519(key, message, signature) === v.accepted;
    });
    const { ek } = await json('tpm/swtpm.json');
    const made = await proof.makeCredential({
      ekPublic: proof.decodeHex(ek.public),
      akName: new Uint8Array(34).fill(1),
      secret: new Uint8Array(32).fill(2),
      randomness: new Uint8Array(96).fill(3),
    });
    const parts = [made.credentialBlob, made.encryptedSecret];
    const credential = proof.encodeHex(proof.concatBytes(...parts));
    return { verdicts, torsion, credential };
  })()`;
}

function serve(made: ReadonlyMap<string, string | Uint8Array>): Promise<Server> {
  const server = createServer((request, response) => {
    const path = normalize(new URL(request.url ?? '/', 'http://localhost').pathname);
    if (path === '/') {
      response.setHeader('content-type', 'text/html').end(PAGE);
      return;
    }
    const known = made.get(path);
    if (known !== undefined) {
      response.end(known);
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
