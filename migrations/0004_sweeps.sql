CREATE TABLE `sweeps` (
	`only` integer PRIMARY KEY NOT NULL,
	`organization_id` text NOT NULL,
	`id` text NOT NULL
);
