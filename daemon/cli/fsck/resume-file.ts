/**
 * What an unfinished check leaves, so that the next one goes on: how far it came, the tree up to
 * there and what it found. The next one reads the journal from the start all the same, because the
 * tree is what binds the two together, and passes over what costs most: signatures, bodies and
 * tiles that were checked before.
 */
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';

import { checkedJson, checkedJsonText } from '../../src/base/checked-json.ts';
import { isMissingFile } from '../published-log.ts';
import type { Head } from './check.ts';
import type { Finding } from './finding.ts';

export interface EarlierCheck extends Head {
  readonly findings: {
    readonly list: readonly Finding[];
    readonly damages: bigint;
    readonly rebuildables: bigint;
  };
}

const VERSION = 1;
const HASH_SIZE_BYTES = 32;

/** Null where there is no such file. @throws Error for one of another form */
export function readResumeFile(path: string): EarlierCheck | null {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (isMissingFile(error)) return null;
    throw error;
  }
  const { version, size, root, findings } = checkedJson(text) as Record<string, string>;
  const bytes = Buffer.from(String(root), 'hex');
  if (Number(version) !== VERSION || bytes.length !== HASH_SIZE_BYTES) {
    throw new Error('it is of another version');
  }
  const earlier = JSON.parse(String(findings), revived) as EarlierCheck['findings'];
  return { size: BigInt(String(size)), root: new Uint8Array(bytes), findings: earlier };
}

export function writeResumeFile(path: string, { size, root, findings }: EarlierCheck): void {
  const { list, damages, rebuildables } = findings;
  const text = checkedJsonText({
    version: VERSION,
    size: size.toString(),
    root: Buffer.from(root).toString('hex'),
    findings: JSON.stringify({ list, damages, rebuildables }, replaced),
  });
  writeFileSync(`${path}.new`, text, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

export function removeResumeFile(path: string): void {
  rmSync(path, { force: true });
}

/** JSON has no bigint: they stand as text that ends in "n". */
function replaced(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? `${value}n` : value;
}

function revived(_key: string, value: unknown): unknown {
  return typeof value === 'string' && /^\d+n$/u.test(value) ? BigInt(value.slice(0, -1)) : value;
}
