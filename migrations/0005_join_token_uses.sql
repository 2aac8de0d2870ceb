ALTER TABLE `agents` ADD `join_token_id` text;--> statement-breakpoint
CREATE UNIQUE INDEX `agents_by_join_token` ON `agents` (`organization_id`,`join_token_id`,`public_key`);--> statement-breakpoint
ALTER TABLE `join_tokens` ADD `revoked_at` integer;--> statement-breakpoint
ALTER TABLE `join_tokens` ADD `uses` integer DEFAULT 1 NOT NULL;--> statement-breakpoint
ALTER TABLE `join_tokens` ADD `labels` text DEFAULT '{}' NOT NULL;--> statement-breakpoint
UPDATE `agents` SET `join_token_id` = (SELECT `id` FROM `join_tokens` WHERE `used_by_agent_id` = `agents`.`id`);
