export { NotificationsModule, NotificationsRoutes } from './notifications.module.js';
