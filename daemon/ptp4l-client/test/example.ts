import { Ptp4lClient } from '@kudurru/ptp4l-client';

const [serverPath = '/var/run/ptp4l', clientPath = `/var/run/example.${process.pid}`] =
  process.argv.slice(2);
const client = new Ptp4lClient({
  ...{ serverPath, clientPath },
  rejected: ({ reason, explanation }) => console.error(`not from ptp4l: ${reason}: ${explanation}`),
});
const { clockIdentity } = await client.learn();
console.log(`clock ${clockIdentity}`);
for (const { message } of await client.get('PORT_DATA_SET')) {
  if (message.body.type !== 'data' || message.body.dataSet?.name !== 'PORT_DATA_SET') continue;
  const { portIdentity, portState } = message.body.dataSet;
  console.log(`port ${portIdentity.portNumber} is ${portState}`);
}
client.close();
