import { adminCache } from './admin.cache.js';

describe('the cached numbers of admins', () => {
  it('are kept for 60 seconds, under one owner for all admins', () => {
    expect(adminCache.stats()).toMatchObject({ owner: 'admin', ttlSeconds: 60 });
  });
});
