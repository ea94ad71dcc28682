import everything from './jest.config.mjs';

/** What runs on a machine with Node and nothing else: all tests but those that start servers of others. */
export default { ...everything, testPathIgnorePatterns: ['/node_modules/', '<rootDir>/test/server/'] };
