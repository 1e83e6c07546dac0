/** Enrols agents: a nonce, then a proof of possession, then an entry that says who asked. */
import { encodeUtf8 } from '@kudurru/proof';

import { KudurruError } from '../base/errors.ts';
import { taiNs, type LeafIndex } from '../base/units.ts';
import type { EnrolRequest } from '../control/views.ts';
import type { Agent, AgentRegistry } from '../identity/agents.ts';
import { readEnrolment } from '../identity/enrolment.ts';
import type { Nonces } from '../identity/nonces.ts';
import { entryOfKind } from '../ledger/entry-of-kind.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { systemEntry, type SystemBody } from '../ledger/system-entry.ts';

export interface EnrollerOptions {
  readonly ledgerId: Uint8Array;
  readonly agents: AgentRegistry;
  readonly nonces: Nonces;
  readonly ledger: Ledger;
  /** Before the agent can open a session. */
  readonly requireTimeLevel: (agent: NewAgent) => Promise<void>;
  readonly noteActivity: () => void;
}

export interface NewAgent {
  readonly agentIndex: LeafIndex;
  readonly agentId: string;
}

/** How the caller reached us, as the entry says it. */
const via = 'control socket';
/** UTF-8 bytes of an owner's contact: a name, a telephone number, an address. */
const contactSizeBytesMax = 4096;

export class Enroller {
  readonly #options: EnrollerOptions;

  constructor(options: EnrollerOptions) {
    this.#options = options;
  }

  giveNonce(): Uint8Array {
    return this.#options.nonces.give();
  }

  /** The agent, once its entry is durable. @throws KudurruError as `readEnrolment` */
  async enrol({ enrolment, ownerContact, caller }: EnrolRequest): Promise<Agent> {
    const { agents, ledger, requireTimeLevel, noteActivity } = this.#options;
    const bodies = contactBodies(ownerContact);
    const proven = readEnrolment(enrolment, this.#options);
    const { agentId, owner, purpose, key, keyBytes } = proven;
    const placed = await ledger.appendOne(
      systemEntry(
        'agent.enrol',
        {
          agentId,
          owner,
          purpose,
          key: keyBytes,
          proofOfPossession: enrolment,
          enrolledBy: { uid: caller.uid, via },
          authorisations: [],
        },
        bodies,
      ),
    );
    const entry = entryOfKind(await ledger.readEntry(placed.index), 'agent.enrol', placed.index);
    await requireTimeLevel({ agentIndex: placed.index, agentId });
    const agent = agents.add({
      agentIndex: placed.index,
      agentId,
      owner,
      purpose,
      key,
      enrolledByUid: caller.uid,
      enrolledAt: taiNs(entry.time.taiNs),
    });
    noteActivity();
    return agent;
  }
}

function contactBodies(contact: string | null): SystemBody[] {
  if (contact === null) return [];
  const bytes = encodeUtf8(contact);
  if (bytes.length > contactSizeBytesMax) {
    throw new KudurruError(
      'request-malformed',
      `request not accepted: "ownerContact" is longer than ${contactSizeBytesMax} bytes`,
    );
  }
  return [{ field: 'ownerContact', bytes, mediaType: 'text/plain' }];
}
