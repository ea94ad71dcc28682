// @ts-check
if (!process.env.MONGODB_URI) {
  console.error('npm run test:server needs MONGODB_URI: the address of a MongoDB server to test against.');
  process.exit(1);
}
