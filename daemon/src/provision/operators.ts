/**
 * The people who may give orders to a ledger: a name each, and the public key they sign with. They
 * stand in the provisioning record, and so in the ledgerId: nobody adds one in silence.
 */
import { readFileSync } from 'node:fs';

import {
  encodeSshPublicKey,
  formatSshPublicKeyLine,
  parseSshPublicKeyLine,
  ProofError,
  type Operator,
  type SshPublicKey,
} from '@kudurru/proof';

import { KudurruError, reasonOf, wrapError } from '../base/errors.ts';
import { parseAgeRecipient, type AgeRecipient } from './age.ts';

/** As an operator id has it (SPEC.md §2). */
const namePattern = /^[a-z0-9][a-z0-9._-]{0,63}$/u;

/** A key file holds one line; what is longer is something else. */
const fileSizeBytesMax = 4096;

/**
 * The operators of `NAME=FILE` words, in their order; the keys without their comments.
 * @throws KudurruError `operator-key-unusable`
 */
export function readOperators(words: readonly string[]): readonly Operator[] {
  const operators = words.map((word) => {
    const [, name = '', file = ''] = /^([^=]*)=(.+)$/u.exec(word) ?? [];
    if (namePattern.test(name)) return { name, sshPublicKey: lineOf(readKeyFile(name, file)) };
    throw unusable(`'${word}'`, 'it is not NAME=FILE with a name of a-z 0-9 . _ - (1 to 64)');
  });
  for (const [at, { name, sshPublicKey }] of operators.entries()) {
    const others = operators.slice(0, at);
    if (others.some((other) => other.name === name)) throw unusable(`'${name}'`, 'named twice');
    const same = others.find((other) => other.sshPublicKey === sshPublicKey);
    if (same !== undefined) throw unusable(`'${name}'`, `'${same.name}' has the same key`);
  }
  return operators;
}

/**
 * Who can open what is handed over: operators with ssh-ed25519 keys, and age recipients.
 * @throws KudurruError `operator-key-unusable`
 */
export function recipientsOf(
  operators: readonly Operator[],
  others: readonly string[],
): readonly AgeRecipient[] {
  const named = others.map((text) => {
    try {
      return parseAgeRecipient(text);
    } catch (cause) {
      throw wrapError('operator-key-unusable', 'age recipient not taken', cause);
    }
  });
  return [...recipientsAmong(operators), ...named];
}

function recipientsAmong(operators: readonly Operator[]): AgeRecipient[] {
  return operators.flatMap(({ sshPublicKey }): AgeRecipient[] => {
    const key = parseSshPublicKeyLine(sshPublicKey);
    if (key.type !== 'ssh-ed25519') return [];
    const blob = encodeSshPublicKey(key);
    return [{ kind: 'ssh-ed25519', blob, publicKey: key.key.bytes }];
  });
}

function lineOf(key: SshPublicKey): string {
  return formatSshPublicKeyLine(key);
}

function readKeyFile(name: string, file: string): SshPublicKey {
  try {
    const text = readFileSync(file, 'utf8');
    if (text.length > fileSizeBytesMax) throw new Error('it is too long for a public key');
    if (text.includes('PRIVATE KEY')) {
      throw new Error('it is a private key; name the .pub file beside it');
    }
    return parseSshPublicKeyLine(text.trimEnd());
  } catch (cause) {
    const reason = cause instanceof ProofError ? cause.message : reasonOf(cause);
    throw unusable(`'${name}'`, `key file '${file}': ${reason}`, cause);
  }
}

function unusable(who: string, reason: string, cause?: unknown): KudurruError {
  return new KudurruError('operator-key-unusable', `operator ${who} not taken: ${reason}`, {
    cause,
  });
}
