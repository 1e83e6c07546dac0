/** Who acted: the agent whose key was enrolled, opened the session, and signed the statement. */
import { equalBytes } from '../bytes.ts';
import type { Sign1 } from '../cose.ts';
import { keyThumbprint, sign1Message } from '../cose.ts';
import { parseAgentId } from '../identifier.ts';
import type { PublicKey } from '../public-key.ts';
import type { Enrolment, Evidence, Session, Statement } from './evidence.ts';
import { mustHold, skipped } from './finding.ts';
import { quote } from './quote.ts';

/** Each agent here held the key that was enrolled for it. */
export async function checkEnrolment(evidence: Evidence): Promise<string> {
  return each(evidence.enrolments, 'enrolment', async (enrolment: Enrolment) => {
    const { item, key, proof } = enrolment;
    const { entry } = item;
    const { content } = proof;
    const place = `enrolment ${item.index}`;
    mustHold(
      equalBytes(content.ledgerId, evidence.genesis.ledgerId),
      `${place} was signed for another ledger`,
    );
    const isSame =
      content.agentId === entry.agentId &&
      content.owner === entry.owner &&
      content.purpose === entry.purpose &&
      equalBytes(content.key, entry.key);
    mustHold(isSame, `${place} does not say what the agent signed`);
    const { trustDomain } = parseAgentId(entry.agentId);
    mustHold(
      trustDomain === evidence.genesis.provisioning.trustDomain,
      `${place} is of the foreign trust domain '${trustDomain}'`,
    );
    await requireSigned(evidence, proof.sign1, { key, place });
    return `'${entry.agentId}', owner ${quote(entry.owner)}`;
  });
}

/** Each session here was opened by the agent's key; an agent's sessions are numbered upwards. */
export async function checkSession(evidence: Evidence): Promise<string> {
  return each(evidence.sessions, 'session', async (session: Session) => {
    const { item, request } = session;
    const { content, sign1 } = request;
    const place = `session ${item.index}`;
    const enrolment = evidence.enrolmentOf(session);
    mustHold(
      equalBytes(content.ledgerId, evidence.genesis.ledgerId),
      `${place} was requested of another ledger`,
    );
    mustHold(
      content.agentId === enrolment.item.entry.agentId && content.resumeSessionId === null,
      `${place} was not requested by this agent as a new session`,
    );
    const isNumbered = evidence.sessions.every(
      ({ item: other }) =>
        other.entry.agentIndex !== item.entry.agentIndex ||
        other.index >= item.index ||
        other.entry.sessionNumber < item.entry.sessionNumber,
    );
    mustHold(isNumbered, `${place} has the number of an earlier session, or one below it`);
    await requireSigned(evidence, sign1, { key: enrolment.key, place });
    return `session ${item.entry.sessionNumber} of '${content.agentId}'`;
  });
}

/** Each statement here was signed by the agent's key. */
export async function checkStatement(evidence: Evidence): Promise<string> {
  return each(evidence.statements, 'statement', async (statement: Statement) => {
    const { item, signed } = statement;
    const enrolment = evidence.enrolmentOf(evidence.sessionAt(item.entry.sessionIndex));
    const place = `statement ${item.index}`;
    await requireSigned(evidence, signed.sign1, { key: enrolment.key, place });
    return `statement ${item.index} signed by '${enrolment.item.entry.agentId}'`;
  });
}

async function each<T>(
  items: readonly T[],
  name: string,
  check: (item: T) => Promise<string>,
): Promise<string> {
  if (items.length === 0) throw skipped(`no ${name} is needed`);
  const texts = await Promise.all(items.map(check));
  return texts.join('; ');
}

async function requireSigned(
  evidence: Evidence,
  sign1: Sign1,
  { key, place }: { key: PublicKey; place: string },
): Promise<void> {
  const isNamed = sign1.algorithm === key.algorithm && equalBytes(sign1.keyId, keyThumbprint(key));
  mustHold(isNamed, `${place} names another key than the agent's`);
  const { signature } = sign1;
  const isSigned = await evidence.signatures.check({
    key,
    message: sign1Message(sign1),
    signature,
  });
  mustHold(isSigned, `${place} is not signed by the agent's key`);
}
