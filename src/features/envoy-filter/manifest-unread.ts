const connections = 'connections of the lab’s sidecars are bound by the sidecars’ own limits';
const log = 'a line is written when the request or connection ends';
const addresses = 'who called is told by x-forwarded-for and the PROXY protocol alone';
const names = 'names are looked up as the mesh config says';
const balance = 'hosts are chosen by what lb_policy says';
const health = 'hosts are healthy by their probes and by outlier detection';
const tickets = 'sessions of TLS are kept as Node keeps them';
const listening = 'the lab’s listeners are ordinary sockets of TCP';
const later = 'the lab’s sidecars do not act on it';

type Reasons = Readonly<Record<string, readonly string[]>>;

/** Fields of Envoy's own objects that the lab's sidecars do not act on, by why. Source: Envoy's API v3. */
const unread: Readonly<Record<string, Reasons>> = {
  'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager': {
    [log]: ['access_log_flush_interval', 'access_log_options', 'flush_access_log_on_new_request'],
    [addresses]: ['original_ip_detection_extensions', 'internal_address_config', 'skip_xff_append', 'append_x_forwarded_port', 'represent_ipv4_remote_address_as_ipv4_mapped_ipv6', 'add_proxy_protocol_connection_state'],
    [connections]: ['drain_timeout', 'delayed_close_timeout', 'max_request_headers_kb', 'request_timeout', 'stream_idle_timeout', 'stream_error_on_invalid_http_message'],
    [later]: ['add_user_agent', 'append_local_overload', 'early_header_mutation_extensions', 'http3_protocol_options', 'local_reply_config', 'path_normalization_options', 'proxy_status_config', 'scheme_header_transformation', 'scoped_routes', 'strip_any_host_port', 'strip_matching_host_port', 'strip_trailing_host_dot', 'typed_header_validation_config'],
  },
  'envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy': {
    [log]: ['access_log_flush_interval', 'access_log_options', 'flush_access_log_on_connected'],
    'write idle_timeout': ['downstream_idle_timeout', 'upstream_idle_timeout'],
    [balance]: ['metadata_match'],
    [later]: ['on_demand', 'tunneling_config'],
  },
  'envoy.extensions.filters.http.rbac.v3.RBAC': { 'decisions are in the lab’s records': ['audit_logging_options', 'rules_stat_prefix', 'track_per_rule_stats'] },
  'envoy.extensions.filters.http.ext_authz.v3.ExtAuthz': { 'routes are chosen once, after the answer': ['clear_route_cache'] },
  CLUSTER: {
    [names]: ['dns_failure_refresh_rate', 'dns_lookup_family', 'dns_resolution_config', 'dns_resolvers', 'respect_dns_ttl', 'typed_dns_resolver_config', 'use_tcp_for_dns_lookups'],
    [balance]: ['cluster_type', 'lb_subset_config', 'load_balancing_policy', 'protocol_selection'],
    [health]: ['close_connections_on_host_health_failure', 'health_checks', 'ignore_health_on_host_removal', 'wait_for_warm_on_init'],
    [connections]: ['cleanup_interval', 'connection_pool_per_downstream_connection', 'per_connection_buffer_limit_bytes', 'preconnect_policy', 'upstream_config', 'upstream_http_protocol_options'],
    'statistics are those of the lab': ['alt_stat_name', 'lrs_report_endpoint_metrics', 'lrs_server', 'track_cluster_stats', 'track_timeout_budgets'],
  },
  LISTENER: {
    [listening]: ['api_listener', 'bypass_overload_manager', 'connection_balance_config', 'deprecated_v1', 'enable_mptcp', 'enable_reuse_port', 'freebind', 'internal_listener', 'reuse_port', 'socket_options', 'tcp_backlog_size', 'tcp_fast_open_queue_length', 'transparent', 'udp_listener_config'],
    [connections]: ['drain_type', 'ignore_global_conn_limit', 'max_connections_to_accept_per_socket_event', 'per_connection_buffer_limit_bytes'],
    'chains are chosen by their filter_chain_match': ['filter_chain_matcher'],
  },
  FILTER_CHAIN: { [connections]: ['transport_socket_connect_timeout'], [later]: ['on_demand_configuration'], 'write the listener filter proxy_protocol': ['use_proxy_proto'] },
  ROUTE_CONFIGURATION: { [later]: ['cluster_specifier_plugins', 'ignore_path_parameters_in_path_matching', 'internal_only_headers', 'max_direct_response_body_size_bytes', 'validate_clusters', 'vhds'] },
  VIRTUAL_HOST: { [later]: ['hedge_policy', 'include_attempt_count_in_response', 'include_is_timeout_retry_header', 'per_request_buffer_limit_bytes', 'retry_policy_typed_config', 'virtual_clusters'] },
  HTTP_ROUTE: { [later]: ['filter_action', 'non_forwarding_action', 'per_request_buffer_limit_bytes'] },
  route: { [balance]: ['metadata_match'], [later]: ['cluster_specifier_plugin', 'early_data_policy', 'grpc_timeout_offset', 'hedge_policy', 'host_rewrite_path_regex', 'inline_cluster_specifier_plugin', 'internal_redirect_action', 'internal_redirect_policy', 'max_internal_redirects', 'path_rewrite_policy', 'retry_policy_typed_config'] },
  tls: { [tickets]: ['disable_stateful_session_resumption', 'disable_stateless_session_resumption', 'session_ticket_keys', 'session_ticket_keys_sds_secret_config', 'session_timeout', 'max_session_keys'], [later]: ['full_scan_certs_on_sni_mismatch', 'ocsp_staple_policy', 'require_sni', 'allow_renegotiation', 'enforce_rsa_key_usage'] },
};

/** Why fields of an object have no effect, by name; of a filter by the type of its config, of another by what the patch applies to, `route` (of a route) or `tls` (of a transport socket). */
export const unreadFields: Readonly<Record<string, Readonly<Record<string, string>>>> = Object.fromEntries(
  Object.entries(unread).map(([object, reasons]) => [object, Object.fromEntries(Object.entries(reasons).flatMap(([why, fields]) => fields.map((field) => [field, why])))]),
);
