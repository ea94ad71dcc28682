import { eventTransportContract } from '../contract/event-transport.contract.js';
import { startRabbit, type RabbitProcess } from '../support/rabbitmq.js';

let rabbit: RabbitProcess;
beforeAll(async () => {
  rabbit = await startRabbit();
});
afterAll(() => rabbit.stop());

describe('RabbitMQ as transport', () => {
  eventTransportContract(() => ({ EVENTS_URL: rabbit.url }));
});
