import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, it } from 'mocha';

import { constants, templates } from '../lib/index.ts';
import type { Credential, ObjectHandle, SessionHandle } from '../lib/index.ts';
import { refusedWith, useTpm } from './bench.ts';

const integrityRefused = constants.responseCode.integrity;

describe('credentials', function () {
  this.timeout(60_000);
  const current = useTpm();

  for (const profile of templates.endorsementKeyProfiles) {
    it(`gives the secret to the key it was made for: ${profile.name}`, async () => {
      const { tpm, folder } = current();
      const template = { publicArea: profile.template };
      const made = await tpm.keys.createPrimary(constants.hierarchy.endorsement, template);
      const byPolicy = profile.name !== 'ecc-p384';
      const authorise = async (): Promise<SessionHandle[]> =>
        byPolicy ? [constants.passwordSession, await tpm.sessions.startEndorsement()] : [];
      const parent = async (): Promise<{ sessions: SessionHandle[] }> => ({
        sessions: (await authorise()).slice(1),
      });
      const load = async (): Promise<ObjectHandle> => {
        const attestationKey = { publicArea: templates.attestationKeyTemplate };
        const parts = await tpm.keys.create(made.key, attestationKey, await parent());
        return tpm.keys.load(made.key, parts, await parent());
      };
      const [object, other] = [await load(), await load()];
      const secret = Uint8Array.from(randomBytes(32));
      const { name } = await tpm.keys.readPublic(object);
      const credential = makeCredential(folder, { ekPublic: made.publicArea, name, secret });
      const what = { key: made.key, credential };
      const activate = async (which: ObjectHandle): Promise<Uint8Array> =>
        tpm.keys.activateCredential(which, what, { sessions: await authorise() });
      assert.deepEqual(await activate(object), secret);
      await assert.rejects(activate(other), refusedWith(integrityRefused));
    });
  }
});

/** By another's program and without a TPM: the file is magic, version, and the two parts. */
function makeCredential(
  folder: string,
  from: { readonly ekPublic: Uint8Array; readonly name: Uint8Array; readonly secret: Uint8Array },
): Credential {
  const file = (name: string): string => join(folder, name);
  const size = Buffer.alloc(2);
  size.writeUInt16BE(from.ekPublic.length);
  writeFileSync(file('ek.pub'), Buffer.concat([size, from.ekPublic]));
  writeFileSync(file('secret'), from.secret);
  const name = Buffer.from(from.name).toString('hex');
  const inputs = ['-T', 'none', '-u', file('ek.pub'), '-s', file('secret'), '-n', name];
  execFileSync('tpm2_makecredential', [...inputs, '-o', file('credential'), '-Q']);
  const bytes = Uint8Array.from(readFileSync(file('credential')));
  const blobEnd = 8 + 2 + new DataView(bytes.buffer).getUint16(8);
  return { credentialBlob: bytes.slice(8, blobEnd), encryptedSecret: bytes.slice(blobEnd) };
}
