/** The control socket, as tests ask it: JSON in, JSON or bytes out. */
import { request } from 'node:http';

import { generateKey, signEnrolment, type SigningKey } from '@kudurru/agent';
import { decodeHex, encodeBase64 } from '@kudurru/proof';

export interface ControlAnswer {
  readonly status: number;
  readonly bytes: Buffer;
}

export async function askControl(
  socketPath: string,
  path: string,
  body?: unknown,
): Promise<ControlAnswer> {
  return new Promise((resolve, reject) => {
    const method = body === undefined ? 'GET' : 'POST';
    const headers = body === undefined ? {} : { 'content-type': 'application/json' };
    const asked = request({ socketPath, path, method, headers }, (answer) => {
      const parts: Buffer[] = [];
      answer.on('data', (part: Buffer) => parts.push(part));
      answer.on('error', reject);
      answer.on('end', () => {
        resolve({ status: answer.statusCode ?? 0, bytes: Buffer.concat(parts) });
      });
    });
    asked.on('error', reject);
    asked.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

/** The answer's JSON, or an error with the daemon's words. */
export async function askJson<Answer>(
  socketPath: string,
  path: string,
  body?: unknown,
): Promise<Answer> {
  const { status, bytes } = await askControl(socketPath, path, body);
  if (status >= 300) throw new Error(`${path}: ${status} ${bytes.toString()}`);
  return JSON.parse(bytes.toString()) as Answer;
}

export interface EnrolledAgent {
  readonly agentId: string;
  readonly key: SigningKey;
}

/** Enrols an agent with a fresh key. */
export async function enrolAgent(socketPath: string, name: string): Promise<EnrolledAgent> {
  const given = await askJson<{ nonce: string; ledgerId: string; trustDomain: string }>(
    socketPath,
    '/v1/enrolments',
    {},
  );
  const key = generateKey();
  const agentId = `spiffe://${given.trustDomain}/agent/${name}`;
  const enrolment = signEnrolment(key, {
    ledgerId: decodeHex(given.ledgerId),
    nonce: decodeHex(given.nonce),
    agentId,
    owner: 'Test Team',
    purpose: 'acts in tests',
  });
  await askJson(socketPath, '/v1/agents', { enrolment: encodeBase64(enrolment) });
  return { agentId, key };
}
