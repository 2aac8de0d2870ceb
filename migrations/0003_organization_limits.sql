ALTER TABLE `organizations` ADD `max_executions` integer;--> statement-breakpoint
ALTER TABLE `organizations` ADD `retention_days` integer;--> statement-breakpoint
CREATE INDEX `executions_by_end` ON `executions` (`organization_id`,`finished_at`);