/* SPDX-License-Identifier: MIT */
/*
 * A static library cannot hide what its files share with each other. So that
 * these names do not meet a program's own, the installed library is compiled
 * with this file in front. tests/headers/check_static.sh finds names that are
 * missing here.
 */
#ifndef SHMIPC_NAMES_H
#define SHMIPC_NAMES_H

#define buffer_abort              shmipc_buffer_abort
#define buffer_attach_detail      shmipc_buffer_attach_detail
#define buffer_close              shmipc_buffer_close
#define buffer_commit             shmipc_buffer_commit
#define buffer_commit_detail      shmipc_buffer_commit_detail
#define buffer_init               shmipc_buffer_init
#define buffer_is_stuck           shmipc_buffer_is_stuck
#define buffer_open               shmipc_buffer_open
#define buffer_peek               shmipc_buffer_peek
#define buffer_producers_are_dead shmipc_buffer_producers_are_dead
#define buffer_read               shmipc_buffer_read
#define buffer_read_alloc         shmipc_buffer_read_alloc
#define buffer_read_array         shmipc_buffer_read_array
#define buffer_read_batch         shmipc_buffer_read_batch
#define buffer_read_detail        shmipc_buffer_read_detail
#define buffer_recover            shmipc_buffer_recover
#define buffer_reserve            shmipc_buffer_reserve
#define buffer_shut               shmipc_buffer_shut
#define buffer_skip               shmipc_buffer_skip
#define buffer_skip_force         shmipc_buffer_skip_force
#define buffer_stats              shmipc_buffer_stats
#define buffer_stats_detail       shmipc_buffer_stats_detail
#define buffer_write              shmipc_buffer_write
#define buffer_write_array        shmipc_buffer_write_array
#define buffer_write_batch        shmipc_buffer_write_batch
#define buffer_write_body         shmipc_buffer_write_body
#define buffer_write_detail       shmipc_buffer_write_detail
#define buffer_writev             shmipc_buffer_writev
#define channel_abort             shmipc_channel_abort
#define channel_close             shmipc_channel_close
#define channel_commit            shmipc_channel_commit
#define channel_configure         shmipc_channel_configure
#define channel_create            shmipc_channel_create
#define channel_join              shmipc_channel_join
#define channel_leave             shmipc_channel_leave
#define channel_poll              shmipc_channel_poll
#define channel_read_rounds       shmipc_channel_read_rounds
#define channel_read_until        shmipc_channel_read_until
#define channel_recover           shmipc_channel_recover
#define channel_send              shmipc_channel_send
#define channel_send_until        shmipc_channel_send_until
#define channel_skip              shmipc_channel_skip
#define channel_skip_force        shmipc_channel_skip_force
#define channel_try               shmipc_channel_try
#define channel_write             shmipc_channel_write
#define claim_when_full           shmipc_claim_when_full
#define format_blocks_in          shmipc_format_blocks_in
#define format_default_owners     shmipc_format_default_owners
#define format_open               shmipc_format_open
#define format_region             shmipc_format_region
#define format_region_size        shmipc_format_region_size
#define format_slack              shmipc_format_slack
#define handle_consume            shmipc_handle_consume
#define handle_produce            shmipc_handle_produce
#define look_in_vain              shmipc_look_in_vain
#define owner_count               shmipc_owner_count
#define owner_drop_role           shmipc_owner_drop_role
#define owner_fate_of             shmipc_owner_fate_of
#define owner_free                shmipc_owner_free
#define owner_pid                 shmipc_owner_pid
#define owner_producers_are_dead  shmipc_owner_producers_are_dead
#define owner_register            shmipc_owner_register
#define owner_release             shmipc_owner_release
#define owner_take_role           shmipc_owner_take_role
#define pace_rest                 shmipc_pace_rest
#define process_fate_of           shmipc_process_fate_of
#define process_has_membarrier    shmipc_process_has_membarrier
#define process_next_handle       shmipc_process_next_handle
#define process_self              shmipc_process_self
#define process_token_make        shmipc_process_token_make
#define process_token_page        shmipc_process_token_page
#define wait_announce             shmipc_wait_announce
#define wait_backend_eventfd      shmipc_wait_backend_eventfd
#define wait_backend_futex        shmipc_wait_backend_futex
#define wait_backend_io_uring     shmipc_wait_backend_io_uring
#define wait_backend_sleep        shmipc_wait_backend_sleep
#define wait_close                shmipc_wait_close
#define wait_declare_deaf         shmipc_wait_declare_deaf
#define wait_declare_polled       shmipc_wait_declare_polled
#define wait_fence_on             shmipc_wait_fence_on
#define wait_how                  shmipc_wait_how
#define wait_notify_fenced        shmipc_wait_notify_fenced
#define wait_now                  shmipc_wait_now
#define wait_on_word              shmipc_wait_on_word
#define wait_open                 shmipc_wait_open
#define wait_pass_on              shmipc_wait_pass_on
#define wait_sleep                shmipc_wait_sleep
#define wait_wake                 shmipc_wait_wake

#endif
