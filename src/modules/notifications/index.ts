export { NotificationsModule, NotificationsRoutes } from './notifications.module.js';
export { RealtimeRoutes } from './realtime/realtime.module.js';
