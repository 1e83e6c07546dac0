import assert from 'node:assert/strict';
import { describe, it } from 'mocha';

import { decodeUtf8, encodeUtf8 } from '../src/bytes.ts';
import { formatTlogProof, parseTlogProof } from '../src/tlog-proof.ts';

const checkpoint =
  'a.example/log\n9\nbjQLnP+zepicpUTmu3gKLHiQHT+zNzh2hRGjBhevoB0=\n\n— a.example/log AAAAAAA=\n';
const hash = new Uint8Array(32).fill(7);

describe('tlog-proof', () => {
  it('parses to its parts and formats back', () => {
    const proof = { index: 8n, path: [hash], checkpointBytes: encodeUtf8(checkpoint) };
    const bytes = formatTlogProof(proof);
    assert.ok(decodeUtf8(bytes).startsWith('c2sp.org/tlog-proof@v1\nindex 8\nBwcH'));
    const { checkpoint: parsed, ...rest } = parseTlogProof(bytes);
    assert.deepEqual(rest, proof);
    assert.equal(parsed.size, 9n);
    const bare = formatTlogProof({ ...proof, path: [] });
    assert.deepEqual(parseTlogProof(bare).path, []);
  });

  const head = 'c2sp.org/tlog-proof@v1\n';
  const refused: Record<string, string> = {
    nothing: '',
    'another version': `c2sp.org/tlog-proof@v2\nindex 8\n\n${checkpoint}`,
    'an extra line': `${head}extra AA==\nindex 8\n\n${checkpoint}`,
    'no index': `${head}\n${checkpoint}`,
    'a padded index': `${head}index 08\n\n${checkpoint}`,
    'a huge index': `${head}index 99999999999999999\n\n${checkpoint}`,
    'a short hash': `${head}index 8\nAAAA\n\n${checkpoint}`,
    'bad base64': `${head}index 8\nA\n\n${checkpoint}`,
    'no checkpoint': `${head}index 8\n\n`,
    'no blank line': `${head}index 8\n`,
    'too many hashes': `${head}index 8\n${`${'A'.repeat(43)}=\n`.repeat(65)}\n${checkpoint}`,
  };
  for (const [title, text] of Object.entries(refused)) {
    it(`refuses ${title}`, () => {
      assert.throws(() => parseTlogProof(encodeUtf8(text)), { code: 'note-malformed' });
    });
  }
});
