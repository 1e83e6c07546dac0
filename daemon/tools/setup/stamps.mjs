/**
 * Whether a step's inputs are those of its last success: a digest of their names and contents, kept
 * inside node_modules so that removing it forgets everything that was built against it.
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';

import { inCheckout } from './paths.mjs';

const stampFile = inCheckout('node_modules', '.kudurru-stamps.json');
const outputFolders = new Set(['node_modules', 'dist', 'build']);

/**
 * @param {string[]} inputs files and folders, relative to the checkout
 * @returns {string} hexadecimal SHA-256; a missing input counts as such
 */
export function digestOf(inputs) {
  const hash = createHash('sha256');
  for (const path of inputs.flatMap(filesUnder).sort()) {
    const content = existsSync(inCheckout(path)) ? readFileSync(inCheckout(path)) : 'missing';
    hash.update(`${path}\0${content.length}\0`).update(content);
  }
  return hash.digest('hex');
}

/**
 * @param {string} name
 * @param {string} digest
 */
export function isStamped(name, digest) {
  return readStamps()[name] === digest;
}

/**
 * @param {string} name
 * @param {string} digest
 */
export function stamp(name, digest) {
  writeFileSync(stampFile, `${JSON.stringify({ ...readStamps(), [name]: digest }, null, 2)}\n`);
}

/** @returns {Record<string, string>} */
function readStamps() {
  return existsSync(stampFile) ? JSON.parse(readFileSync(stampFile, 'utf8')) : {};
}

/**
 * @param {string} path
 * @returns {string[]}
 */
function filesUnder(path) {
  const full = inCheckout(path);
  if (!existsSync(full) || !statSync(full).isDirectory()) return [path];
  return readdirSync(full)
    .filter((name) => !outputFolders.has(name))
    .flatMap((name) => filesUnder(`${path}/${name}`));
}
