import type { Reminder } from '../tasks/index.js';
import type { QuietHours } from './quiet-hours.js';
import { DEFAULT_REMINDERS } from './reminders/reminder.js';
import { CHANNELS, KINDS, type Kind } from './notification.js';

/** Where somebody can be told. */
export const PLACES = ['inApp', ...CHANNELS] as const;
export type Place = (typeof PLACES)[number];

type PerKind = Readonly<Record<Kind, boolean>>;

/** How somebody wants to be told. */
export interface Preferences {
  readonly channels: Readonly<Record<Place, PerKind>>;
  /** In the user's time zone; nothing leaves for a channel then. */
  readonly quietHours: QuietHours | null;
  /** Of tasks that have none of their own. */
  readonly reminders: readonly Reminder[];
}

/** What a user has set; the rest is as for everybody. */
export interface SetPreferences {
  readonly channels?: Readonly<Partial<Record<Place, Partial<PerKind>>>>;
  readonly quietHours?: QuietHours | null;
  readonly reminders?: readonly Reminder[];
}

/** A JSON merge patch; `null` is the default again. */
export interface PreferenceChange extends Omit<SetPreferences, 'reminders'> {
  readonly reminders?: readonly Reminder[] | null;
}

export function preferencesOf({
  channels,
  quietHours = null,
  reminders = DEFAULT_REMINDERS,
}: SetPreferences): Preferences {
  const ofPlace = (place: Place): PerKind => {
    const isOn = (kind: Kind): boolean => channels?.[place]?.[kind] ?? true;
    return Object.fromEntries(KINDS.map((kind) => [kind, isOn(kind)])) as unknown as PerKind;
  };
  const perPlace = Object.fromEntries(PLACES.map((place) => [place, ofPlace(place)])) as Preferences['channels'];
  return { channels: perPlace, quietHours, reminders };
}

export function changed(set: SetPreferences, change: PreferenceChange): SetPreferences {
  const channels = { ...set.channels };
  for (const place of PLACES) {
    if (change.channels?.[place]) channels[place] = { ...channels[place], ...change.channels[place] };
  }
  const { quietHours = set.quietHours, reminders = set.reminders } = change;
  return { channels, quietHours: quietHours ?? null, ...(reminders ? { reminders } : {}) };
}
