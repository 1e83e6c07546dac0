/** Bundles that must be VALID. */
import { buildBundle } from './build-bundle.ts';
import { formatNote, parseNote } from '../../src/note.ts';
import { sha256 } from '../../src/sha256.ts';
import { endorsementCertificate, issuerOf } from './certificates.ts';
import { ofCounted, ofInterrupted, resetTpm } from './forged-case.ts';
import { ekSpki, ofHardware } from './hardware.ts';
import { seed } from './keys.ts';
import { acceptedTimeCases } from './accept-time.ts';
import { CorpusLedger } from './ledger.ts';
import { withRegisters } from './registers.ts';
import { ofRestored } from './restores.ts';
import { SoftwareTpm } from './software-tpm.ts';
import type { Exhibit } from './scenario.ts';
import {
  changeBundle,
  exhibit,
  inputDisclosure,
  observationEnvelope,
  playScenario,
} from './scenario.ts';

export interface AcceptCase {
  readonly name: string;
  readonly headline: string;
  readonly make: () => Promise<Exhibit>;
}

const EMULATED = 'VALID (emulated)';

export const ACCEPT_CASES: readonly AcceptCase[] = [
  accept('intent-with-disclosure', () => {
    const scenario = playScenario();
    return exhibit(scenario, scenario.intent, [inputDisclosure(scenario)]);
  }),
  accept('outcome', () => {
    const scenario = playScenario();
    return exhibit(scenario, scenario.outcome);
  }),
  accept('observation-by-p256-agent', () => {
    const scenario = playScenario();
    return exhibit(scenario, scenario.observation);
  }),
  accept('session-open', () => {
    const scenario = playScenario();
    return exhibit(scenario, scenario.session);
  }),
  accept('genesis', () => exhibit(playScenario(), 0n)),
  accept('anchor', () => exhibit(playScenario(), 4n)),
  accept('first-anchor-covers', () => {
    const scenario = playScenario({}, { withAnchorBefore: false });
    return exhibit(scenario, scenario.intent);
  }),
  accept('with-quoted-pcr', () => {
    const scenario = playScenario(withRegisters({}, { withExtend: false }));
    return exhibit(scenario, scenario.intent);
  }),
  accept('with-extend-index', () => {
    const scenario = playScenario(withRegisters({}, { pcrIndex: null }));
    return exhibit(scenario, scenario.intent);
  }),
  accept('booted-as-expected', async () => {
    const { bytes, policy } = await ofCounted();
    const tpm = new SoftwareTpm('any');
    const expectedPcrs = [0, 7].map((pcr) => ({ pcr, value: tpm.pcrValue(pcr) }));
    return { bytes, policy: { ...policy, expectedPcrs } };
  }),
  accept('two-runs-in-one-boot-of-the-tpm', () => ofCounted({}, { between: (l) => l.boot() })),
  accept('tpm-reset-between-two-anchors', () =>
    ofCounted({}, { between: (ledger) => resetTpm(ledger) }),
  ),
  accept('anchor-under-way-at-two-boots', () => ofInterrupted()),
  accept('anchor-finished-after-a-reset', () => {
    let count = 0;
    const scenario = playScenario(
      {
        // Its reading is of before the reset: of the first anchor, which the TPM made anew.
        evidence(reading) {
          count += 1;
          return count === 1 ? { ...reading, monotonicRawNs: 0n } : reading;
        },
      },
      { beforeAnchor: ({ tpm }) => (tpm.clockMs += 3_600_000n) },
    );
    return exhibit(scenario, scenario.intent);
  }),
  accept('clock-of-the-tpm-fast-by-a-tenth', () => {
    const scenario = playScenario(
      {},
      {
        beforeAnchor(ledger) {
          ledger.pass(3_600_000n);
          ledger.tpm.clockMs += 3_960_000n;
        },
      },
    );
    return exhibit(scenario, scenario.intent);
  }),
  accept('restored-by-an-order', () => ofRestored()),
  accept('without-agent-head', async () => {
    const scenario = playScenario();
    return changeBundle(await exhibit(scenario, scenario.intent), () => ({ agentHead: null }));
  }),
  accept('checkpoint-of-log-key-only', async () => {
    const { ledger, intent } = playScenario();
    const checkpoint = ledger.checkpoint(ledger.head(), 'log');
    return { bytes: await buildBundle(ledger.source(checkpoint), intent), policy: ledger.policy() };
  }),
  accept('unknown-cosigner-ignored', async () => {
    const { ledger, intent } = playScenario();
    const note = parseNote(ledger.checkpoint());
    const witness = {
      name: 'witness.example',
      keyId: seed('id').subarray(0, 4),
      signature: seed('s'),
    };
    const checkpoint = formatNote({ ...note, signatures: [...note.signatures, witness] });
    const bytes = await buildBundle(ledger.source(checkpoint), intent);
    return { bytes, policy: ledger.policy({ unknownCosigners: 'ignore' }) };
  }),
  accept('one-of-many-actions', () => {
    const ledger = new CorpusLedger('alpha');
    const session = ledger.openSession(ledger.enrol('clerk'));
    ledger.submit(session, [observationEnvelope()]);
    const batch = Array.from({ length: 37 }, () => observationEnvelope());
    const [first = 0n] = ledger.submit(session, batch);
    ledger.anchor('counter-anchor');
    return exhibit({ ledger }, first + 20n);
  }),
  accept('older-of-two-sessions-at-once', () => {
    const ledger = new CorpusLedger('alpha');
    const clerk = ledger.enrol('clerk');
    const [older, newer] = [ledger.openSession(clerk), ledger.openSession(clerk)];
    const [index = 0n] = ledger.submit(newer, [observationEnvelope()]);
    ledger.submit(older, [observationEnvelope(), observationEnvelope()]);
    ledger.anchor('counter-anchor');
    return exhibit({ ledger }, index);
  }),
  accept('outcome-in-another-session', () => {
    const scenario = playScenario({}, { outcomeIn: 'new-session' });
    return exhibit(scenario, scenario.intent);
  }),
  accept('anchor-that-came-too-early', () => {
    const ledger = new CorpusLedger('alpha');
    const session = ledger.openSession(ledger.enrol('clerk'));
    let index = 0n;
    ledger.anchor('counter-anchor', () => {
      [index = 0n] = ledger.submit(session, [observationEnvelope()]);
    });
    ledger.anchor('anchor');
    return exhibit({ ledger }, index);
  }),
  ...acceptedTimeCases().map(({ name, make }) => accept(name, make)),
  {
    name: 'hardware-under-default-policy',
    headline: 'VALID (hardware)',
    make: () => ofHardware(),
  },
  {
    name: 'hardware-of-a-pinned-endorsement-key',
    headline: 'VALID (hardware)',
    make: () =>
      ofHardware({
        trust: ({ tpm }) => ({ roots: [], pins: [sha256(tpm.ekPublic)], atUnixSeconds: null }),
      }),
  },
  {
    name: 'hardware-of-a-pinned-certificate',
    headline: 'VALID (hardware)',
    make: () => {
      const pinned = endorsementCertificate(issuerOf('Unknown maker'), ekSpki('alpha'));
      return ofHardware({
        certificates: [pinned],
        trust: () => ({ roots: [], pins: [sha256(pinned)], atUnixSeconds: null }),
      });
    },
  },
];

function accept(name: string, make: AcceptCase['make']): AcceptCase {
  return { name, headline: EMULATED, make };
}
