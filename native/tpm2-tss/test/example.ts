import { randomBytes } from 'node:crypto';

import { Tpm, constants, structures, templates } from '@kudurru/tpm2-tss';

const tpm = await Tpm.open(process.env['TPM_TCTI'] ?? 'device:/dev/tpmrm0');
const { manufacturer } = await tpm.platform.properties();

// A restricted key, as a child of a storage root: it signs only what the TPM itself says.
const { owner } = constants.hierarchy;
const root = await tpm.keys.createPrimary(owner, { publicArea: templates.storageRootKeyTemplate });
const parts = await tpm.keys.create(root.key, { publicArea: templates.attestationKeyTemplate });
const key = await tpm.keys.load(root.key, parts);

const nonce = randomBytes(32);
const { attest, signature } = await tpm.attestations.getTime(key, nonce);
const { clockInfo } = structures.parseAttest(attest);
process.stdout.write(
  `${manufacturer}: ${clockInfo.clockMs} ms, ${signature.length} bytes signed\n`,
);

await tpm.keys.flush(key);
await tpm.keys.flush(root.key);
tpm.close();
