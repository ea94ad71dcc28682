export { UsersModule } from './users.module.js';
export { UsersService } from './users.service.js';
export { UserDirectory, type UserCounts, type UserQuery } from './user-directory.js';
export { emailKey, type Decision, type StandingChange, type User, type UserStatus } from './user.js';
export { UserView, userView } from './user.view.js';
export { EmailTaken, LastAdmin, UserNotFound } from './users.errors.js';
export {
  BOOTSTRAP,
  UserDeleted,
  UserPasswordChanged,
  UserPurgeDue,
  UserRegistered,
  UserSignedOutEverywhere,
  UserStandingChanged,
  type AdminActor,
  type Standing,
} from './users.events.js';
