import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'mocha';

import {
  anchorDigest,
  counterQualifier,
  decodeAgentHead,
  encodeAgentHead,
  leftQualifier,
  rightQualifier,
} from '../src/anchor.ts';
import { decodeHex, encodeHex } from '../src/bytes.ts';
import { encodeCbor } from '../src/cbor.ts';
import { seed } from './corpus/keys.ts';

const input = {
  ledgerId: seed('ledger'),
  applianceId: seed('appliance'),
  anchorSequence: 3n,
  previousAnchorLeafHash: seed('previous'),
  size: 258n,
  root: seed('root'),
  agentHeadsRoot: seed('heads'),
  evidenceHash: seed('evidence'),
  counterExpected: 9n,
};
const hash = (...parts: (string | Uint8Array)[]): string => {
  const sha256 = createHash('sha256');
  for (const part of parts) sha256.update(part);
  return sha256.digest('hex');
};

describe('anchor', () => {
  it('formulas are those of SPEC.md §9', () => {
    const members = [
      input.ledgerId,
      input.applianceId,
      3,
      input.previousAnchorLeafHash,
      258,
      input.root,
      input.agentHeadsRoot,
      input.evidenceHash,
      9,
    ];
    const digest = anchorDigest(input);
    assert.equal(encodeHex(digest), hash('kudurru/anchor/1\0', encodeCbor(members)));
    const size = decodeHex('0000000000000102');
    assert.equal(
      encodeHex(leftQualifier(input)),
      hash('kudurru/L/1\0', input.previousAnchorLeafHash, size, input.root),
    );
    const attest = Uint8Array.of(1, 2, 3);
    assert.equal(encodeHex(rightQualifier(attest, digest)), hash('kudurru/R/1\0', attest, digest));
    assert.equal(encodeHex(counterQualifier(attest)), hash('kudurru/N/1\0', attest));
  });

  it('an agent head survives encoding', () => {
    const agentId = 'spiffe://ledger.example/agent/clerk';
    const head = { agentId, sessionNumber: 0, lastSequence: 5n, lastIndex: 12n };
    assert.deepEqual(decodeAgentHead(encodeAgentHead(head)), head);
    assert.throws(() => encodeAgentHead({ ...head, agentId: 'clerk' }), { code: 'bundle-invalid' });
  });
});
