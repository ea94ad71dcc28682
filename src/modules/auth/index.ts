export { AccountRoutes, AuthModule, AuthRoutes } from './auth.module.js';
export { Passwords } from './passwords.js';
export { Sessions } from './sessions.service.js';
