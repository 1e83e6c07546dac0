/** `kudurru challenge`: whether an attestation key is in the TPM that it is said to be in. */
import { randomBytes } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';

import {
  type AnswerReport,
  type ApplianceDocument,
  checkChallengeAnswer,
  CREDENTIAL_RANDOMNESS_SIZE_BYTES,
  encodeHex,
  makeAttestationChallenge,
  parseStoragePublic,
  ProofError,
  sha256,
  verifyEndorsement,
} from '@kudurru/proof';

import { reasonOf } from '../../src/base/errors.ts';
import { readCertificates } from '../../src/provision/endorsement-chain.ts';
import { readApplianceDocument } from '../appliance-file.ts';
import type { Command, Invocation } from '../command.ts';
import { EXIT, Failure, wrongUse } from '../exit-code.ts';
import { readNamedFile } from '../files.ts';
import { orRefusal } from '../refusal.ts';

const SECRET_SIZE_BYTES = 32;
const SECRET_FILE_MODE = 0o600;
const MS_PER_SECOND = 1000;

export const challenge: Command = {
  words: ['challenge'],
  summary: "ask an appliance's TPM for a proof at a distance, and check its answer",
  synopsis: [
    '--identity FILE --out FILE --secret-file FILE [--json]',
    '--check ANSWER --secret-file FILE [--ek-roots DIR] [--json]',
  ],
  description: [
    'For an auditor, on a machine of their own and without a network. The first form makes two ' +
      'files: a challenge, to be carried to the appliance, where "kudurru attest" answers it, ' +
      'and a secret, which stays with the auditor. The second form checks the answer.',
    'A good answer establishes one thing: the attestation key (AK) that the identity names lives ' +
      'in the very TPM that holds the endorsement key (EK) that it names. Only that TPM can open ' +
      'the challenge, and only for that key. So what this AK signs, the anchors of the ledger ' +
      'among it, is said by that TPM.',
    'It does not say whose TPM that is. The certificate of the EK does, where it leads to a root ' +
      'that the auditor has from the maker of the TPM: --ek-roots names a folder with such roots ' +
      '(.pem, .crt, .cer, .der). Without it nothing is said about the maker; anybody can make an ' +
      'EK in software. No revocation is asked for.',
    'The identity is the document of "kudurru identity export", or any evidence bundle. The ' +
      'answer is good for the one challenge that it was made for. Delete the secret once the ' +
      'answer is checked.',
  ],
  options: [
    { name: 'identity', value: 'FILE', meaning: 'identity document or bundle of the appliance' },
    { name: 'out', short: 'o', value: 'FILE', meaning: 'write the challenge to FILE' },
    {
      name: 'secret-file',
      value: 'FILE',
      meaning: 'what the auditor keeps: made with the challenge (never overwritten), read with it',
    },
    { name: 'check', value: 'ANSWER', meaning: 'check the answer in the file ANSWER' },
    {
      name: 'ek-roots',
      value: 'DIR',
      meaning: 'certificates that chains of endorsement keys may end in, from TPM makers',
    },
  ],
  exits: [
    [EXIT.foundBad, 'the answer is wrong, or is to another challenge'],
    [EXIT.unverifiable, "the answer is good; no root in DIR vouches for the TPM's maker"],
  ],
  examples: [
    [
      'Make a challenge',
      'kudurru challenge --identity identity.json --out challenge.bin --secret-file keep.bin',
    ],
    [
      'Check the answer',
      'kudurru challenge --check answer.bin --secret-file keep.bin --ek-roots tpm-roots/',
    ],
  ],
  async run(invocation) {
    invocation.take();
    const answer = invocation.text('check');
    return answer === undefined ? make(invocation) : check(invocation, answer);
  },
};

async function make(invocation: Invocation): Promise<number> {
  const identity = invocation.required('identity');
  const out = invocation.required('out');
  const secretFile = invocation.required('secret-file');
  if (invocation.text('ek-roots') !== undefined) throw wrongUse('--ek-roots goes with --check');
  const applianceDocument = readApplianceDocument(identity);
  const made = await makeAttestationChallenge({
    applianceDocument,
    secret: Uint8Array.from(randomBytes(SECRET_SIZE_BYTES)),
    randomness: Uint8Array.from(randomBytes(CREDENTIAL_RANDOMNESS_SIZE_BYTES)),
  });
  // The secret first: a challenge that nobody can check is of no use, nor is a secret alone.
  writeNew(secretFile, made.kept);
  try {
    writeNew(out, made.challenge);
  } catch (error) {
    rmSync(secretFile);
    throw error;
  }
  const { terminal, isJson } = invocation;
  const challengeSha256 = sha256(made.challenge);
  if (isJson) terminal.printJson({ challenge: out, secretFile, challengeSha256 });
  else {
    terminal.printFacts([
      ['challenge', `${out} (SHA-256 ${encodeHex(challengeSha256)})`],
      ['secret', `${secretFile}: keep it, show it to nobody`],
      ['next', `on the appliance: kudurru attest ${out} --out answer.bin`],
    ]);
  }
  return EXIT.good;
}

/** A file that is there may be the secret of another challenge. */
function writeNew(file: string, bytes: Uint8Array): void {
  try {
    writeFileSync(file, bytes, { mode: SECRET_FILE_MODE, flag: 'wx' });
  } catch (cause) {
    throw new Failure(EXIT.wrongUse, `"${file}" not written: ${reasonOf(cause)}`, {
      code: 'file-unwritable',
      cause,
    });
  }
}

type Maker =
  | { readonly outcome: 'vouched'; readonly text: string }
  | { readonly outcome: 'unknown'; readonly text: string }
  | { readonly outcome: 'not-asked'; readonly text: string };

async function check(invocation: Invocation, answerFile: string): Promise<number> {
  const kept = readNamedFile(invocation.required('secret-file'), 'challenge secret');
  const answer = readNamedFile(answerFile, 'challenge answer');
  for (const name of ['identity', 'out']) {
    if (invocation.text(name) !== undefined) throw wrongUse(`--${name} does not go with --check`);
  }
  const report = checkChallengeAnswer(kept, answer);
  if (report.outcome !== 'proven') throw refused(report.outcome);
  const maker = await makerOf(report.document, invocation.text('ek-roots'));
  show(invocation, report, maker);
  return maker.outcome === 'unknown' ? EXIT.unverifiable : EXIT.good;
}

function refused(outcome: 'another-challenge' | 'wrong'): Failure {
  const text =
    outcome === 'wrong'
      ? 'the answer is wrong: whoever made it could not open the challenge; nothing shows that ' +
        'this attestation key is in that TPM'
      : 'the answer is to another challenge than the one of this secret';
  return new Failure(EXIT.foundBad, text, { code: `answer-${outcome}` });
}

async function makerOf(document: ApplianceDocument, folder: string | undefined): Promise<Maker> {
  if (folder === undefined) {
    const text = 'not asked: --ek-roots names the roots of TPM makers to ask';
    return { outcome: 'not-asked', text };
  }
  const roots = await orRefusal(async () => readCertificates(folder));
  const { ekPublic, ekCertificates } = document;
  const atUnixSeconds = Math.floor(Date.now() / MS_PER_SECOND);
  try {
    const chain = verifyEndorsement({
      ekPublic,
      certificates: ekCertificates,
      roots,
      atUnixSeconds,
    });
    const { tpm } = chain[0].extensions;
    const what = tpm === null ? 'of a TPM' : `of a TPM ${tpm.manufacturer}, ${tpm.model}`;
    const root = encodeHex(sha256(chain.at(-1)?.bytes ?? new Uint8Array(0)));
    return {
      outcome: 'vouched',
      text: `a root of "${folder}" certifies this EK as one ${what} (root's SHA-256 ${root})`,
    };
  } catch (error) {
    if (!(error instanceof ProofError)) throw error;
    return { outcome: 'unknown', text: `not shown: ${error.message}` };
  }
}

function show(invocation: Invocation, report: AnswerReport, maker: Maker): void {
  const { terminal, isJson } = invocation;
  const { challenge: asked, document } = report;
  const ekName = parseStoragePublic(document.ekPublic).name;
  if (isJson) {
    terminal.printJson({
      outcome: report.outcome,
      applianceId: asked.applianceId,
      attestationKeyName: asked.akName,
      endorsementKeyName: ekName,
      label: document.label,
      maker,
    });
    return;
  }
  terminal.printFacts([
    ['answer', 'good: this attestation key lives in the TPM with this endorsement key'],
    ['AK', encodeHex(asked.akName)],
    ['EK', encodeHex(ekName)],
    ['appliance', `${encodeHex(asked.applianceId)} (${document.label})`],
    ['whose TPM', maker.text],
  ]);
}
