// Gives each service a database of its own and a user who has rights there only.
// The image of MongoDB runs this once, when its volume is empty. Run it again after a password has changed
// (docs/deploy.md): it brings every user's password and rights to what the environment says.
for (const service of ["intake", "routing", "mediation", "notify"]) {
  const variable = `${service.toUpperCase()}_DATABASE_PASSWORD`;
  const password = process.env[variable];
  if (!password) {
    throw new Error(`${variable} is not set: give the database user of ${service} a password`);
  }
  const database = db.getSiblingDB(service);
  const account = { pwd: password, roles: [{ role: "readWrite", db: service }] };
  if (database.getUser(service)) {
    database.updateUser(service, account);
  } else {
    database.createUser({ user: service, ...account });
  }
}
