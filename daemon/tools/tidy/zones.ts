/**
 * The import map as data: each part of the house, and what it may import besides itself. A file
 * belongs to the zone with the longest folder that holds it; a TypeScript file without a zone is a
 * finding, so that a new part begins with a row here.
 */

export interface Zone {
  readonly name: string;
  /** Folder, or file, relative to the checkout. */
  readonly at: string;
  /** The package others import it by; then its files are not reached by path. */
  readonly packageName?: string;
  /** Names of zones; 'all' for tests and tools, which may look everywhere. */
  readonly imports: readonly string[] | 'all';
  /** npm packages from outside this house. */
  readonly packages?: readonly string[];
  /** Modules of the runtime; false where the code must run in a browser too. Default true. */
  readonly runtime?: boolean;
}

const foundation = ['proof', 'base'];
const stage = [...foundation, 'hardware'];
const stages = ['intake', 'identity', 'rules', 'time', 'ledger', 'anchor', 'evidence'];
const composition = [
  ...stage,
  ...stages,
  ...['config', 'control', 'log door', 'pipeline', 'backends', 'device client', 'native'],
];

export const STAGES: ReadonlySet<string> = new Set(stages);

export const ZONES: readonly Zone[] = [
  {
    name: 'proof',
    at: 'daemon/proof/src',
    packageName: '@kudurru/proof',
    imports: [],
    packages: ['@noble/curves', '@noble/hashes'],
    runtime: false,
  },
  {
    name: 'agent',
    at: 'daemon/agent/src',
    packageName: '@kudurru/agent',
    imports: ['proof'],
  },
  {
    name: 'ptp4l client',
    at: 'daemon/ptp4l-client/src',
    packageName: '@kudurru/ptp4l-client',
    imports: ['proof', 'native'],
  },
  {
    name: 'gnss reader',
    at: 'daemon/gnss-reader',
    imports: ['proof', 'native'],
    packages: ['serialport'],
  },
  { name: 'phc reader', at: 'daemon/phc-reader', imports: ['proof', 'native'] },
  { name: 'native', at: 'native/lib', packageName: '@kudurru/native', imports: [] },
  { name: 'tpm2-tss', at: 'native/tpm2-tss', packageName: '@kudurru/tpm2-tss', imports: [] },

  { name: 'base', at: 'daemon/src/base', imports: ['proof'], packages: ['smol-toml'] },
  { name: 'config', at: 'daemon/src/config', imports: foundation, packages: ['smol-toml'] },
  { name: 'hardware', at: 'daemon/src/hardware', imports: foundation },
  {
    name: 'backends',
    at: 'daemon/src/hardware/backends',
    imports: [...foundation, 'hardware', 'native', 'tpm2-tss'],
    packages: ['ffi-rs', 'pkcs11js'],
  },
  {
    name: 'devices',
    at: 'daemon/devices',
    imports: [...stage, 'backends', 'device protocol', 'native', 'tpm2-tss'],
    packages: ['pkcs11js'],
  },
  { name: 'device protocol', at: 'daemon/devices/protocol.ts', imports: stage },
  // What the daemon loads of it: never a device's library.
  {
    name: 'device client',
    at: 'daemon/devices/client.ts',
    imports: [...stage, 'device protocol'],
  },

  { name: 'intake', at: 'daemon/src/intake', imports: [...stage, 'native'] },
  { name: 'identity', at: 'daemon/src/identity', imports: [...stage, 'native'] },
  { name: 'rules', at: 'daemon/src/rules', imports: stage },
  { name: 'time', at: 'daemon/src/time', imports: stage },
  { name: 'ledger', at: 'daemon/src/ledger', imports: [...stage, 'native'] },
  { name: 'anchor', at: 'daemon/src/anchor', imports: stage },
  { name: 'evidence', at: 'daemon/src/evidence', imports: [...stage, 'index'] },
  // The files of the search index, which fsck and the bench read too.
  { name: 'index', at: 'daemon/src/evidence/index', imports: [...foundation, 'native'] },
  { name: 'control', at: 'daemon/src/control', imports: stage },
  { name: 'log door', at: 'daemon/src/log-door', imports: foundation },

  { name: 'pipeline', at: 'daemon/src/pipeline.ts', imports: [...stage, ...stages] },
  { name: 'compose', at: 'daemon/src/compose.ts', imports: ['composition', ...composition] },
  { name: 'composition', at: 'daemon/src/compose', imports: composition },
  { name: 'main', at: 'daemon/src/main.ts', imports: ['base', 'config', 'compose'] },

  // What is done to a state folder while no daemon runs on it: the command's, with devices.
  {
    name: 'provisioning',
    at: 'daemon/src/provision',
    imports: ['composition', ...composition],
  },

  // The native scan is fsck's: it reads a journal without its daemon.
  {
    name: 'cli',
    at: 'daemon/cli',
    imports: [
      ...foundation,
      'agent',
      'bridges',
      'composition',
      'config',
      'index',
      'native',
      'provisioning',
    ],
  },
  {
    name: 'bridges',
    at: 'daemon/bridges',
    imports: [...foundation, 'agent'],
    packages: ['@modelcontextprotocol/sdk'],
  },
  { name: 'console', at: 'daemon/console', imports: [...foundation, 'agent'] },
  { name: 'witness', at: 'daemon/witness', imports: foundation },

  { name: 'sim', at: 'daemon/sim', imports: 'all' },
  { name: 'tests', at: 'daemon/test', imports: 'all' },
  { name: 'proof tests', at: 'daemon/proof/test', imports: 'all' },
  { name: 'agent tests', at: 'daemon/agent/test', imports: 'all' },
  { name: 'ptp4l client tests', at: 'daemon/ptp4l-client/test', imports: 'all' },
  { name: 'native tests', at: 'native/test', imports: 'all' },
  { name: 'tpm2-tss tests', at: 'native/tpm2-tss/test', imports: 'all' },
  { name: 'hwtest', at: 'hwtest', imports: 'all' },
  { name: 'bench', at: 'daemon/bench', imports: 'all' },
  { name: 'native bench', at: 'native/bench', imports: 'all' },
  { name: 'tools', at: 'daemon/tools', imports: 'all' },
];

export function zoneOf(path: string): Zone | undefined {
  return ZONES.filter(({ at }) => path === at || path.startsWith(`${at}/`)).toSorted(
    (one, other) => other.at.length - one.at.length,
  )[0];
}
