/** Makes one token: C_InitToken, then its user PIN. The order comes over IPC, PINs included. */
import { preloadModule } from '@kudurru/tpm2-tss';
import pkcs11js from 'pkcs11js';

import type { InitialisationOrder } from './softhsm.ts';

/** C_InitToken reads exactly this many bytes of the label (PKCS#11 v2.40 §5.5). */
const labelSizeBytes = 32;

process.once('message', (order: InitialisationOrder) => {
  initialise(order);
  process.disconnect();
});

function initialise(order: InitialisationOrder): void {
  preloadModule(order.module);
  const module = new pkcs11js.PKCS11();
  module.load(order.module);
  module.C_Initialize();
  const [free] = module.C_GetSlotList(false);
  if (free === undefined) throw new Error('the module offers no slot');
  const label = order.tokenLabel.padEnd(labelSizeBytes, ' ');
  module.C_InitToken(free, order.securityOfficerPin, label);
  const flags = pkcs11js.CKF_SERIAL_SESSION | pkcs11js.CKF_RW_SESSION;
  const session = module.C_OpenSession(free, flags);
  module.C_Login(session, pkcs11js.CKU_SO, order.securityOfficerPin);
  module.C_InitPIN(session, order.userPin);
  module.C_CloseSession(session);
  module.C_Finalize();
}
