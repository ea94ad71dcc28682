import { changed, preferencesOf, type SetPreferences } from './preferences.js';
import { DEFAULT_REMINDERS } from './reminders/reminder.js';

const ALL = { deadline_approaching: true, overdue: true };

describe('preferences', () => {
  it('are everything, at any hour, a day and an hour before, for who has set nothing', () => {
    expect(preferencesOf({})).toEqual({
      channels: { inApp: ALL, email: ALL, push: ALL },
      quietHours: null,
      reminders: [{ minutesBefore: 1440 }, { minutesBefore: 60 }],
    });
  });

  it('keep what a change leaves out', () => {
    const first = changed(
      {},
      { channels: { email: { overdue: false } }, quietHours: { start: '22:00', end: '07:00' } },
    );
    const second = changed(first, { channels: { push: { overdue: false } }, reminders: [] });
    const third = changed(second, { channels: { email: { deadline_approaching: false } } });
    expect(preferencesOf(third)).toEqual({
      channels: {
        inApp: ALL,
        email: { deadline_approaching: false, overdue: false },
        push: { deadline_approaching: true, overdue: false },
      },
      quietHours: { start: '22:00', end: '07:00' },
      reminders: [],
    });
  });

  it('are the default again with null', () => {
    const set: SetPreferences = { quietHours: { start: '22:00', end: '07:00' }, reminders: [{ minutesBefore: 5 }] };
    const { quietHours, reminders } = preferencesOf(changed(set, { quietHours: null, reminders: null }));
    expect([quietHours, reminders]).toEqual([null, DEFAULT_REMINDERS]);
  });
});
