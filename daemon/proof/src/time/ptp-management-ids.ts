/**
 * The management identifiers that linuxptp 3.1.1 to 4.4 answers to GET (IEEE 1588-2019 table 59;
 * those in `_NP` are linuxptp's own, tlv.h), and what they speak of: a data set of the clock is
 * answered once, one of a port once for each port.
 */
export const PTP_MANAGEMENT_IDS = {
  NULL_MANAGEMENT: { id: 0x0000, scope: 'port' },
  CLOCK_DESCRIPTION: { id: 0x0001, scope: 'port' },
  USER_DESCRIPTION: { id: 0x0002, scope: 'clock' },
  DEFAULT_DATA_SET: { id: 0x2000, scope: 'clock' },
  CURRENT_DATA_SET: { id: 0x2001, scope: 'clock' },
  PARENT_DATA_SET: { id: 0x2002, scope: 'clock' },
  TIME_PROPERTIES_DATA_SET: { id: 0x2003, scope: 'clock' },
  PORT_DATA_SET: { id: 0x2004, scope: 'port' },
  PRIORITY1: { id: 0x2005, scope: 'clock' },
  PRIORITY2: { id: 0x2006, scope: 'clock' },
  DOMAIN: { id: 0x2007, scope: 'clock' },
  SLAVE_ONLY: { id: 0x2008, scope: 'clock' },
  LOG_ANNOUNCE_INTERVAL: { id: 0x2009, scope: 'port' },
  ANNOUNCE_RECEIPT_TIMEOUT: { id: 0x200a, scope: 'port' },
  LOG_SYNC_INTERVAL: { id: 0x200b, scope: 'port' },
  VERSION_NUMBER: { id: 0x200c, scope: 'port' },
  CLOCK_ACCURACY: { id: 0x2010, scope: 'clock' },
  TRACEABILITY_PROPERTIES: { id: 0x2012, scope: 'clock' },
  TIMESCALE_PROPERTIES: { id: 0x2013, scope: 'clock' },
  ALTERNATE_TIME_OFFSET_ENABLE: { id: 0x201e, scope: 'clock' },
  ALTERNATE_TIME_OFFSET_NAME: { id: 0x201f, scope: 'clock' },
  ALTERNATE_TIME_OFFSET_MAX_KEY: { id: 0x2020, scope: 'clock' },
  ALTERNATE_TIME_OFFSET_PROPERTIES: { id: 0x2021, scope: 'clock' },
  MASTER_ONLY: { id: 0x3001, scope: 'port' },
  DELAY_MECHANISM: { id: 0x6000, scope: 'port' },
  LOG_MIN_PDELAY_REQ_INTERVAL: { id: 0x6001, scope: 'port' },
  TIME_STATUS_NP: { id: 0xc000, scope: 'clock' },
  GRANDMASTER_SETTINGS_NP: { id: 0xc001, scope: 'clock' },
  PORT_DATA_SET_NP: { id: 0xc002, scope: 'port' },
  SUBSCRIBE_EVENTS_NP: { id: 0xc003, scope: 'clock' },
  PORT_PROPERTIES_NP: { id: 0xc004, scope: 'port' },
  PORT_STATS_NP: { id: 0xc005, scope: 'port' },
  SYNCHRONIZATION_UNCERTAIN_NP: { id: 0xc006, scope: 'clock' },
  PORT_SERVICE_STATS_NP: { id: 0xc007, scope: 'port' },
  UNICAST_MASTER_TABLE_NP: { id: 0xc008, scope: 'port' },
  PORT_HWCLOCK_NP: { id: 0xc009, scope: 'port' },
  POWER_PROFILE_SETTINGS_NP: { id: 0xc00a, scope: 'port' },
  CMLDS_INFO_NP: { id: 0xc00b, scope: 'port' },
  PORT_CORRECTIONS_NP: { id: 0xc00c, scope: 'port' },
  EXTERNAL_GRANDMASTER_PROPERTIES_NP: { id: 0xc00d, scope: 'clock' },
} as const satisfies Record<string, { readonly id: number; readonly scope: 'clock' | 'port' }>;

export type PtpManagementName = keyof typeof PTP_MANAGEMENT_IDS;

const names = new Map<number, PtpManagementName>(
  Object.entries(PTP_MANAGEMENT_IDS).map(([name, { id }]) => [id, name as PtpManagementName]),
);

/** The name of a management identifier; undefined where it is none of the table. */
export function ptpManagementName(id: number): PtpManagementName | undefined {
  return names.get(id);
}
