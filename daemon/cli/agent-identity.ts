/** Who a command acts as: the agent's name and its key file. */
import { readFileSync, statSync, writeFileSync } from 'node:fs';

import { loadKey, type SigningKey } from '@kudurru/agent';

import type { Invocation, OptionRow } from './command.ts';
import { ControlClient } from './control-client.ts';
import { EXIT, Failure, wrongUse } from './exit-code.ts';

export const IDENTITY_OPTIONS: readonly OptionRow[] = [
  {
    name: 'agent',
    value: 'NAME',
    meaning: 'the agent: its name, or its whole id (spiffe://…); else KUDURRU_AGENT',
  },
  { name: 'key', value: 'FILE', meaning: 'its private key (PKCS#8 PEM); else KUDURRU_KEY' },
];

export interface Identity {
  /** A name within the ledger's trust domain, or a whole id. */
  readonly agent: string;
  readonly key: SigningKey;
}

export function identityOf(invocation: Invocation): Identity {
  const agent = invocation.required('agent', process.env['KUDURRU_AGENT']);
  return { agent, key: readKeyFile(invocation.required('key', process.env['KUDURRU_KEY'])) };
}

/** The whole id; the trust domain is asked of the daemon where only the name is known. */
export async function wholeAgentId(agent: string, controlSocket: string): Promise<string> {
  if (agent.startsWith('spiffe://')) return agent;
  const { trustDomain } = await new ControlClient(controlSocket).get<{ trustDomain: string }>(
    '/v1/status',
  );
  return agentIdOf(agent, trustDomain);
}

export function agentIdOf(name: string, trustDomain: string): string {
  if (!/^[a-z0-9][a-z0-9._-]{0,63}$/u.test(name)) {
    throw wrongUse(
      `an agent's name is 1-64 of a-z 0-9 . _ - and begins with a letter or digit, found "${name}"`,
    );
  }
  return `spiffe://${trustDomain}/agent/${name}`;
}

/** Refuses a key that others than its owner can read. */
export function readKeyFile(file: string): SigningKey {
  let pem: string;
  let mode: number;
  try {
    pem = readFileSync(file, 'utf8');
    ({ mode } = statSync(file));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Failure(EXIT.wrongUse, `key file "${file}" not read: ${reason}`, { cause });
  }
  if ((mode & 0o077) !== 0) {
    throw new Failure(
      EXIT.wrongUse,
      `key file "${file}" not used: others than its owner reach it`,
      {
        code: 'key-file-open',
        hint: `chmod 600 ${file}`,
      },
    );
  }
  return loadKey(pem);
}

/** Writes a new key, for its owner only; never over an old one. */
export function createKeyFile(file: string, pem: string): void {
  try {
    writeFileSync(file, pem, { mode: 0o600, flag: 'wx' });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Failure(EXIT.wrongUse, `key file "${file}" not made: ${reason}`, { cause });
  }
}
