import { eventTransportContract } from './event-transport.contract.js';

describe('The log as transport', () => {
  eventTransportContract(() => ({}));
});
