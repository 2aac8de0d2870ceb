CREATE TABLE `signing_keys` (
	`organization_id` text NOT NULL,
	`id` text NOT NULL,
	`name` text NOT NULL,
	`public_key` text NOT NULL,
	`fingerprint` text NOT NULL,
	`user_id` text NOT NULL,
	`created_by` text NOT NULL,
	`created_at` integer NOT NULL,
	`revoked_at` integer,
	PRIMARY KEY(`organization_id`, `id`),
	FOREIGN KEY (`organization_id`) REFERENCES `organizations`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE UNIQUE INDEX `signing_keys_by_fingerprint` ON `signing_keys` (`organization_id`,`fingerprint`);--> statement-breakpoint
CREATE TABLE `version_signatures` (
	`organization_id` text NOT NULL,
	`version_id` text NOT NULL,
	`key_id` text NOT NULL,
	`signature` text NOT NULL,
	`signed_at` integer NOT NULL,
	`expires_at` integer,
	`created_at` integer NOT NULL,
	PRIMARY KEY(`organization_id`, `version_id`, `key_id`),
	FOREIGN KEY (`organization_id`) REFERENCES `organizations`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`organization_id`,`version_id`) REFERENCES `runbook_versions`(`organization_id`,`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`organization_id`,`key_id`) REFERENCES `signing_keys`(`organization_id`,`id`) ON UPDATE no action ON DELETE no action
);
