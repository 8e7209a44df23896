// Registration by invitation and by access request, administration, and the Profile tab.
import { link } from './mails.js';
import { expect, fillIn, hydrated, rows, test } from './support.js';

const NEW = 'a longer staple of horses';

for (const javaScriptEnabled of [true, false]) {
  const how = `${javaScriptEnabled ? 'with' : 'without'} JavaScript`;

  test(`a person who requests access is invited and creates an account, ${how}`, async ({ root, server }) => {
    const [name, page] = [`carol${Date.now()}`, await root.open({ javaScriptEnabled })];
    const email = `${name}@example.com`;
    const ready = async () => (javaScriptEnabled ? hydrated(page) : undefined);
    await page.goto('/login');
    await page.getByRole('link', { name: 'Request access' }).click();
    await ready();
    await page.getByRole('textbox', { name: 'Email' }).fill(email);
    await page.getByRole('textbox', { name: 'Who you are and why you need access' }).fill('I run the wind park.');
    await page.getByRole('button', { name: 'Request access' }).click();
    await expect(page.getByText('Thank you. An administrator will review your request')).toBeVisible();

    const office = await root.signIn({ javaScriptEnabled });
    await office.getByRole('link', { name: 'Admin', exact: true }).click();
    if (javaScriptEnabled) await hydrated(office);
    await office.getByRole('button', { name: `Invite ${email}` }).click();
    await expect(office.getByText(`An invitation is on its way to ${email}.`)).toBeVisible();
    await expect(office.getByRole('button', { name: `Invite ${email}` })).toHaveCount(0);

    await page.goto(link(await server.mails.to(email, 'Create your Whereabouts account')));
    await ready();
    await page.getByRole('textbox', { name: 'Username' }).fill('admin');
    await page.getByRole('textbox', { name: 'Password' }).fill(NEW);
    await page.getByRole('button', { name: 'Create account' }).click();
    await expect(page.getByRole('alert')).toContainText('is reserved');
    await page.getByRole('textbox', { name: 'Username' }).fill(name);
    await page.getByRole('textbox', { name: 'Password' }).fill(NEW);
    await page.getByRole('button', { name: 'Create account' }).click();
    await expect(page.getByText(`Welcome, ${name}. Sign in with your new password.`)).toBeVisible();
    await ready();
    await fillIn(page, name, NEW);
    await expect(page.getByRole('heading', { name: 'Active Sessions' })).toBeVisible();
    await expect(page.getByRole('link', { name: 'Admin', exact: true })).toHaveCount(0);
  });

  test(`a user edits the profile and changes the email address, ${how}`, async ({ alice, server }) => {
    const page = await alice.signIn({ javaScriptEnabled });
    const [ready, fresh] = [async () => (javaScriptEnabled ? hydrated(page) : undefined), `new${Date.now()}@example.com`];
    await page.getByRole('tab', { name: 'Profile' }).click();
    await ready();
    await page.getByRole('textbox', { name: 'Name', exact: true }).fill('Alice Lindqvist');
    await page.getByRole('combobox', { name: 'Time zone' }).selectOption('Asia/Kolkata');
    await page.getByRole('button', { name: 'Save' }).click();
    await expect(page.getByText('Saved.')).toBeVisible();
    await expect(page.getByRole('region', { name: 'Recent security activity' }).getByText(/GMT\+05:30$/).first()).toBeVisible();
    await page.getByRole('tab', { name: 'Security' }).click();
    await ready();
    await expect(rows(page).locator('time').first()).toHaveAttribute('title', /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d GMT\+05:30$/);
    await rows(page).locator('summary').click();
    await expect(rows(page).getByText(/^in .* \(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d GMT\+05:30\)$/)).toHaveCount(2);
    await page.getByRole('tab', { name: 'Profile' }).click();
    await ready();
    await page.getByRole('textbox', { name: 'New email' }).fill(fresh);
    await page.getByRole('button', { name: 'Change email' }).click();
    await expect(page.getByText('An email is on its way to both addresses.')).toBeVisible();
    const subject = 'Confirm the change of your email address';
    const [old, other] = [link(await alice.mail(subject)), link(await server.mails.to(fresh, subject))];
    for (const [path, words] of [[old, 'Confirmed. Your address changes once the other one'], [other, 'Your email address was changed.']] as const) {
      const mailbox = await alice.open({ javaScriptEnabled });
      await mailbox.goto(path);
      if (javaScriptEnabled) await hydrated(mailbox);
      await mailbox.getByRole('button', { name: 'Confirm' }).click();
      await expect(mailbox.getByText(words)).toBeVisible();
    }
    await page.reload();
    await expect(page.getByText(fresh)).toBeVisible();
    await expect(page.getByText('Email changed', { exact: true })).toBeVisible();
    await alice.mail('Your email address was changed');
  });
}

for (const javaScriptEnabled of [true, false]) {
  test(`an administrator cancels an invitation, ${javaScriptEnabled ? 'with' : 'without'} JavaScript`, async ({ root, server }) => {
    const [office, page] = [await root.signIn({ javaScriptEnabled }), await root.open({ javaScriptEnabled })];
    const [email, other] = [`dave${Date.now()}@example.com`, `erin${Date.now()}@example.com`];
    for (const invited of [email, other]) {
      await office.goto('/admin');
      if (javaScriptEnabled) await hydrated(office);
      await office.getByRole('textbox', { name: 'Email' }).fill(invited);
      await office.getByRole('button', { name: 'Send invitation' }).click();
      await expect(office.getByText(`An invitation is on its way to ${invited}.`)).toBeVisible();
    }
    const invitations = office.getByRole('region', { name: 'Invitations' });
    await expect(invitations.getByRole('listitem').filter({ hasText: email })).toContainText(`Sent by ${root.name}`);
    if (javaScriptEnabled) await hydrated(office);
    await invitations.getByRole('button', { name: `Cancel the invitation for ${email}` }).click();
    await expect(office.getByText(`The invitation for ${email} was canceled.`)).toBeVisible();
    await expect(office.getByRole('button', { name: `Cancel the invitation for ${email}` })).toHaveCount(0);
    await expect(office.getByRole('button', { name: `Cancel the invitation for ${other}` })).toBeVisible();
    await page.goto(link(await server.mails.to(email, 'Create your Whereabouts account')));
    await expect(page.getByText('This link was already used or has expired.')).toBeVisible();
  });
}

test("an administrator signs out only the chosen user", async ({ root, alice, bob }) => {
  const [office, page, bobs] = [await root.signIn(), await alice.signIn(), await bob.signIn()];
  await office.goto(`/admin?search=${alice.name}`);
  await hydrated(office);
  await office.getByRole('button', { name: `Sign out: ${alice.name}` }).click();
  await expect(office.getByText(`${alice.name} was signed out: 1 session was ended.`)).toBeVisible();
  await expect(page.getByText('An administrator signed you out.')).toBeVisible();
  await bobs.reload();
  await expect(rows(bobs)).toHaveCount(1);
});
