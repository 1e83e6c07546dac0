/**
 * The agents of this ledger: each is one `agent.enrol` entry, and nothing else makes one. Kept in
 * memory, rebuilt from the entries at each start.
 */
import { keyThumbprint, type PublicKey } from '@kudurru/proof';

import { KudurruError } from '../base/errors.ts';
import type { LeafIndex, TaiNs } from '../base/units.ts';

/** What an `agent.enrol` entry says. */
export interface Enrolment {
  /** Index of the entry; the agent's index everywhere. */
  readonly agentIndex: LeafIndex;
  /** `spiffe://<trust domain>/agent/<name>`. */
  readonly agentId: string;
  readonly owner: string;
  readonly purpose: string;
  readonly key: PublicKey;
  /** Uid that asked on the control socket, as the kernel said. */
  readonly enrolledByUid: number;
  readonly enrolledAt: TaiNs;
}

export interface Agent extends Enrolment {
  readonly name: string;
  /** Thumbprint of the key, 32 bytes. */
  readonly keyId: Uint8Array;
  /** Number of the next session. */
  nextSessionNumber: number;
}

const namePattern = /^[a-z0-9][a-z0-9._-]{0,63}$/u;

/** The name within an agent id, or null where it is none of this trust domain (SPEC.md §2). */
export function agentNameOf(agentId: string, trustDomain: string): string | null {
  const prefix = `spiffe://${trustDomain}/agent/`;
  if (!agentId.startsWith(prefix)) return null;
  const name = agentId.slice(prefix.length);
  return namePattern.test(name) ? name : null;
}

export class AgentRegistry {
  readonly #trustDomain: string;
  readonly #byId = new Map<string, Agent>();
  readonly #byIndex = new Map<LeafIndex, Agent>();

  constructor(trustDomain: string) {
    this.#trustDomain = trustDomain;
  }

  get size(): number {
    return this.#byId.size;
  }

  /** @throws KudurruError `agent-exists`, `enrolment-invalid` for an id of another trust domain */
  add(enrolment: Enrolment): Agent {
    const name = this.requireFree(enrolment.agentId);
    const keyId = keyThumbprint(enrolment.key);
    const agent: Agent = { ...enrolment, name, keyId, nextSessionNumber: 0 };
    this.#byId.set(agent.agentId, agent);
    this.#byIndex.set(agent.agentIndex, agent);
    return agent;
  }

  /** The name in `agentId`, which nobody has yet. @throws as `add` */
  requireFree(agentId: string): string {
    const name = agentNameOf(agentId, this.#trustDomain);
    if (name === null) {
      throw new KudurruError(
        'enrolment-invalid',
        `agent not enrolled: "${agentId}" is not of the form ` +
          `"spiffe://${this.#trustDomain}/agent/NAME", NAME being 1 to 64 of a-z 0-9 . _ - and ` +
          'beginning with a letter or digit',
      );
    }
    if (this.#byId.has(agentId)) {
      throw new KudurruError(
        'agent-exists',
        `agent not enrolled: "${agentId}" is enrolled already, and an id is enrolled once; ` +
          'choose another name',
      );
    }
    return name;
  }

  /** @throws KudurruError `agent-unknown` */
  byId(agentId: string): Agent {
    const agent = this.#byId.get(agentId);
    if (agent !== undefined) return agent;
    throw new KudurruError(
      'agent-unknown',
      `agent "${agentId}" is not enrolled in this ledger; enrol it with: kudurru agent enrol`,
    );
  }

  /** Of its enrolment; null where nobody has this id. */
  indexOf(agentId: string): LeafIndex | null {
    return this.#byId.get(agentId)?.agentIndex ?? null;
  }

  byName(name: string): Agent | null {
    return this.#byId.get(`spiffe://${this.#trustDomain}/agent/${name}`) ?? null;
  }

  byIndex(agentIndex: LeafIndex): Agent | null {
    return this.#byIndex.get(agentIndex) ?? null;
  }

  /** In the order of enrolment. */
  all(): readonly Agent[] {
    return [...this.#byId.values()];
  }
}
