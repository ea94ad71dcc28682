import { loadConfig } from '../../config/config.js';
import { generateJwtKey } from '../../config/keys.js';
import { connectOptions } from './connect-options.js';

const optionsWith = (environment: Record<string, string>) =>
  connectOptions(
    loadConfig({
      MONGODB_URI: 'mongodb://localhost',
      JWT_KEYS: generateJwtKey(),
      SECRET_KEY: 'one key that has at least 32 bytes',
      ...environment,
    }),
  );

describe('connectOptions', () => {
  it('waits nowhere without an end', () => {
    expect(optionsWith({})).toMatchObject({
      bufferCommands: false,
      serverSelectionTimeoutMS: 1500,
      connectTimeoutMS: 1500,
      waitQueueTimeoutMS: 1500,
      socketTimeoutMS: 5000,
    });
  });

  it('takes pool and time limits from the environment', () => {
    const environment = {
      MONGODB_MAX_POOL_SIZE: '3',
      MONGODB_SERVER_SELECTION_TIMEOUT_MS: '100',
      MONGODB_SOCKET_TIMEOUT_MS: '200',
    };
    expect(optionsWith(environment)).toMatchObject({
      maxPoolSize: 3,
      serverSelectionTimeoutMS: 100,
      waitQueueTimeoutMS: 100,
      socketTimeoutMS: 200,
    });
  });

  it('reads accounts, sessions and revocations from the primary, whatever the numbers may be read from', () => {
    expect(optionsWith({ MONGODB_READ_PREFERENCE: 'secondary' }).readPreference).toBe('primary');
  });
});
