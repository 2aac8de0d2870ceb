ALTER TABLE `agents` ADD `next_public_key` text;--> statement-breakpoint
ALTER TABLE `agents` ADD `next_key_at` integer;--> statement-breakpoint
ALTER TABLE `agents` ADD `quarantined_at` integer;