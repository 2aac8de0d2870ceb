ALTER TABLE `executions` ADD `requester_id` text;--> statement-breakpoint
ALTER TABLE `executions` ADD `agents` text;--> statement-breakpoint
ALTER TABLE `executions` ADD `deleted_at` integer;--> statement-breakpoint
ALTER TABLE `executions` ADD `deleted_by` text;--> statement-breakpoint
CREATE INDEX `executions_by_requester` ON `executions` (`organization_id`,`requester_id`,`created_at`,`id`);