import { validate, version } from 'uuid';
import { DomainEvent } from './domain-event.js';

class Happened extends DomainEvent {}

describe('the id of an event', () => {
  it('is a UUIDv7 that begins with the milliseconds of its making', () => {
    const before = Date.now();
    const { eventId } = new Happened(new Date(0));
    const milliseconds = Number.parseInt(eventId.replaceAll('-', '').slice(0, 12), 16);

    expect(validate(eventId)).toBe(true);
    expect(version(eventId)).toBe(7);
    expect(milliseconds).toBeGreaterThanOrEqual(before);
    expect(milliseconds).toBeLessThanOrEqual(Date.now());
  });

  it('is another one each time', () => {
    const ids = Array.from({ length: 1000 }, () => new Happened(new Date(0)).eventId);

    expect(new Set(ids).size).toBe(1000);
  });
});
