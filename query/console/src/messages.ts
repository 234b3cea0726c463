/* messages.ts -- every word that the page says, Chinese first. t('key') gives the one of the language chosen. */

const table = {
  app: ['刺桐 · 北斗动态监控', 'Zayton'],
  demo: ['演示数据', 'Demo data'],
  language: ['English', '中文'],
  theme: ['深浅色', 'Dark or light'],
  menu: ['菜单', 'Menu'],
  skip: ['跳到正文', 'Skip to content'],
  signed_in: ['当前用户', 'Signed in as'],
  sign_in: ['登录', 'Sign in'],
  sign_out: ['退出登录', 'Sign out'],
  session_ended: ['会话已结束,请重新登录', 'The session has ended; sign in again'],
  user_name: ['用户名', 'Name'],
  password: ['密码', 'Password'],
  token: ['访问令牌', 'Access token'],
  token_hint: ['本服务器用访问令牌登录,令牌由管理员发放', 'This server takes access tokens, which its administrator gives out'],
  no_page: ['没有这个页面', 'There is no such page'],
  loading: ['正在加载…', 'Loading…'],
  retry: ['重试', 'Try again'],
  none: ['暂无数据', 'Nothing here'],
  close: ['关闭', 'Close'],
  cancel: ['取消', 'Cancel'],
  save: ['保存', 'Save'],
  done: ['已完成', 'Done'],
  search: ['查询', 'Search'],
  clear: ['清空', 'Clear'],
  all: ['全部', 'All'],
  more: ['加载更多', 'Load more'],
  export: ['导出', 'Export'],
  print: ['打印', 'Print'],
  from: ['起', 'From'],
  to: ['止', 'To'],
  time: ['时间', 'Time'],
  yes: ['是', 'Yes'],
  no: ['否', 'No'],
  unknown: ['未知', 'Unknown'],
  live_on: ['实时', 'Live'],
  live_off: ['连接中断,正在重连', 'Connection lost, reconnecting'],
  purpose: ['查询用途', 'What for'], purpose_hint: ['查询历史行踪须说明用途,并写入审计日志', 'A history of positions is told for a purpose, which is put on record'], done_ok: ['确定', 'OK'],
  not_there: ['该功能在本服务器上没有启用', 'This server does not have this'],
  unit_s: ['秒', 's'], unit_min: ['分', 'min'], unit_h: ['时', 'h'], unit_d: ['天', 'd'],
  rows: ['条', 'rows'],
  count: ['数量', 'Count'],

  nav_live: ['实时地图', 'Live map'],
  nav_violations: ['违法线索', 'Violations'],
  nav_devices: ['车船档案', 'Devices'],
  nav_fences: ['围栏', 'Fences'],
  nav_rules: ['规则', 'Rules'],
  nav_register: ['隐患台账', 'Hazard register'],
  nav_sensors: ['监测站点', 'Sensors'],
  nav_engine: ['运行状态', 'Engine'],

  class: ['类别', 'Class'],
  class_other: ['其他', 'Other'], class_muck: ['渣土车', 'Muck truck'], class_hazmat: ['危险货物运输车', 'Hazmat vehicle'],
  class_coach: ['客运车辆', 'Coach'], class_school: ['校车', 'School bus'], class_truck: ['重型货车', 'Heavy truck'],
  class_bus: ['公交车', 'Bus'], class_taxi: ['出租汽车', 'Taxi'], class_tractor: ['拖拉机', 'Tractor'], class_trailer: ['挂车', 'Trailer'],
  class_fishing: ['渔船', 'Fishing boat'], class_vessel: ['商船', 'Merchant ship'], class_gear: ['渔具浮标', 'Gear buoy'],
  'class_person': ['人员', 'Person'], 'class_fishing-small': ['小型渔船', 'Small fishing boat'],
  'class_fishing-medium': ['中型渔船', 'Medium fishing boat'], 'class_fishing-large': ['大型渔船', 'Large fishing boat'],
  class_township: ['乡镇船舶', 'Township boat'], class_aid: ['航标', 'Aid to navigation'], class_base: ['岸台', 'Base station'],
  'class_sar-aircraft': ['搜救航空器', 'SAR aircraft'], class_distress: ['遇险示位标', 'Distress beacon'], class_sensor: ['监测站点', 'Sensor site'],

  plate: ['车牌', 'Plate'], name: ['名称', 'Name'], company: ['企业', 'Company'], village: ['村', 'Village'], driver: ['驾驶员', 'Driver'],
  speed: ['速度', 'Speed'], course: ['航向', 'Course'], place: ['位置', 'Place'], mileage: ['里程', 'Mileage'], seen: ['最近通信', 'Last heard'],
  reported: ['定位时间', 'Position of'], device: ['车船', 'Device'], state: ['状态', 'State'], phone: ['终端手机号', 'Terminal phone'],
  moving: ['行驶', 'Moving'], stopped: ['停止', 'Stopped'], silent: ['失联', 'Silent'], no_fix: ['无定位', 'No fix'], alarm: ['报警', 'Alarm'],

  map: ['地图', 'Map'],
  map_nothing: ['此地图需要 WebGL,本浏览器没有启用', 'This map needs WebGL, which this browser does not have'],
  map_zoom_in: ['放大', 'Zoom in'], map_zoom_out: ['缩小', 'Zoom out'], map_north: ['指北', 'Reset north'], map_attribution: ['版权说明', 'Attribution'],
  map_approval: ['审图号', 'Map approval'],
  map_land: ['陆地:Natural Earth', 'Land: Natural Earth'],
  layers: ['图层', 'Layers'], layer_trails: ['轨迹尾迹', 'Trails'], layer_labels: ['标注', 'Labels'], layer_fences: ['围栏', 'Fences'],
  layer_tiles: ['底图', 'Base map'], layer_cluster: ['聚合显示', 'Clusters'],
  live_count: ['辆/艘', 'moving things'], live_updated: ['更新于', 'Updated'],
  follow: ['跟随', 'Follow'], unfollow: ['停止跟随', 'Stop following'], day_track: ['当日轨迹', "Day's track"],
  draw_box: ['框选', 'Draw a box'], draw_polygon: ['画多边形', 'Draw a polygon'],
  draw_hint_box: ['在地图上点击两个对角点', 'Click two opposite corners on the map'],
  draw_hint_polygon: ['在地图上依次点击顶点,双击或回车结束', 'Click the corners; double click or Enter ends'],
  draw_finish: ['完成', 'Finish'],
  who_was: ['谁来过', 'Who was here'], who_was_title: ['查询谁在这里停留或经过', 'Who was here between'],
  case_number: ['案件编号', 'Case number'], case_why: ['查询行踪会写入审计日志', 'Asking where people were is put on record'],
  who_was_none: ['这段时间没有车船到过', 'Nothing was here in that time'],
  first_in: ['首次', 'First'], last_in: ['末次', 'Last'], reports: ['报文', 'Reports'], crossed: ['穿越', 'Crossed'],
  find_on_map: ['查找车牌、船名', 'Find a plate or name'],

  v_title: ['疑似违法线索', 'Suspected violations'], v_kind: ['类型', 'Kind'], v_rule: ['规则', 'Rule'], v_state: ['审核状态', 'Review'],
  v_severity: ['等级', 'Severity'], v_sev_1: ['提示', 'Notice'], v_sev_2: ['违法', 'Violation'], v_sev_3: ['严重', 'Serious'],
  v_pending: ['待核', 'Pending'], v_confirmed: ['属实', 'Confirmed'], v_rejected: ['误报', 'False'], v_transferred: ['移交', 'Transferred'], v_withdrawn: ['撤回', 'Withdrawn'],
  v_confirm: ['属实', 'Confirm'], v_reject: ['误报', 'Reject'], v_transfer: ['移交', 'Transfer'], v_reopen: ['重新待核', 'Re-open'],
  v_why: ['理由', 'Why'], v_document: ['文书号', 'Document'], v_review: ['审核', 'Review'], v_reviewed: ['审核已记录', 'The review is on record'],
  v_evidence: ['取证材料单', 'Evidence sheet'], v_open: ['进行中', 'Still going on'], v_start: ['开始', 'Start'], v_end: ['结束', 'End'], v_duration: ['持续', 'For'],
  v_numbers: ['数据', 'Numbers'], v_history: ['经过', 'History'], v_source: ['依据', 'Source'], v_authority: ['处理部门', 'For'], v_digest: ['摘要', 'Digest'],
  v_speed_chart: ['速度曲线', 'Speed chart'], v_limit: ['限速', 'Limit'], v_raw: ['原始报文', 'Raw reports'], v_handle: ['处置登记', 'Handling'],
  v_how: ['处置方式', 'How'], v_result: ['处置结果', 'Result'], v_handled: ['已处置', 'Handled'], v_unhandled: ['未处置', 'Not handled'],
  v_selected: ['已选', 'Selected'], v_bulk: ['批量审核', 'Review all selected'], v_new: ['有新线索', 'New ones came'], v_show: ['刷新', 'Show them'],
  v_select_all: ['全选', 'Select all'], v_back: ['返回列表', 'Back to the list'], v_in_scope: ['按筛选条件导出', 'Export what is filtered'],
  v_fence: ['围栏', 'Fence'], v_reminders: ['提醒下发与终端应答', 'Reminders and the terminal’s answers'], v_confidence: ['可信度', 'Confidence'],
  n_limit: ['限值', 'Limit'], n_peak: ['最大值', 'Peak'], n_sum: ['合计', 'Sum'], n_reports: ['报文数', 'Reports'], n_duration: ['持续时间', 'Duration'],
  n_distance: ['距离', 'Distance'], n_band: ['超速档次', 'Band'], n_code: ['代码', 'Code'], n_level: ['级别', 'Level'], n_other: ['对照值', 'Compared with'],

  d_search_hint: ['车牌、船名、SIM卡号、手机号、MMSI、北斗卡号、企业', 'Plate, boat name, SIM, phone, MMSI, Beidou card, company'],
  d_day: ['一天', 'A day'], d_previous: ['前一天', 'Day before'], d_next: ['后一天', 'Day after'], d_timeline: ['当日时间轴', 'Timeline of the day'],
  d_driving: ['行驶', 'Driving'], d_stop: ['停留', 'Stop'], d_gap: ['无数据', 'No data'], d_violation: ['线索', 'Violation'],
  d_play: ['播放', 'Play'], d_pause: ['暂停', 'Pause'], d_rate: ['倍速', 'Speed of playback'], d_position: ['播放位置', 'Place in the day'],
  d_distance: ['里程', 'Distance'], d_drive_time: ['行驶时间', 'Driving time'], d_stops: ['停留次数', 'Stops'], d_gaps: ['中断次数', 'Gaps'], d_top: ['最高速度', 'Top speed'],
  d_edit: ['编辑档案', 'Edit'], d_registry: ['档案', 'Registry'], d_history: ['变更记录', 'Changes'], d_valid_from: ['生效时间', 'From'], d_saved: ['档案已保存', 'Saved'],
  d_import: ['导入 CSV', 'Import CSV'], d_import_hint: ['表头:device(如 phone:13900000000)加档案字段;先预览,逐行指出错误', 'Header: device (such as phone:13900000000) and fields; a preview names every mistake first'],
  d_import_file: ['选择文件', 'Choose a file'], d_import_go: ['导入正确的行', 'Import the good rows'], d_line: ['行', 'Line'], d_mistake: ['错误', 'Mistake'], d_good: ['正确', 'Good'], d_imported: ['已导入', 'Imported'],
  d_trips: ['行程', 'Trips'], d_sessions: ['连接', 'Connections'], d_no_reports: ['这一天没有上报', 'No reports on this day'],
  m_no_device: ['缺少 device 列', 'There is no column device'], m_unknown_column: ['未知的列', 'Unknown column'], m_empty_device: ['device 为空', 'device is empty'],
  m_bad_device: ['device 写法不对', 'device is not written as it should be'], m_cells: ['列数与表头不同', 'Not as many cells as the header'], m_twice: ['与前面的行重复', 'The same as a line before'],
  m_quote: ['引号没有结束', 'A quote does not end'], m_bad_class: ['没有这个类别', 'No such class'], m_bad_date: ['日期应为 YYYY-MM-DD', 'A date is YYYY-MM-DD'], m_bad_plate: ['车牌应为 颜色:号牌,如 2:闽C12345', 'A plate is COLOUR:PLATE, such as 2:闽C12345'],

  f_new: ['新建围栏', 'New fence'], f_polygon: ['多边形', 'Polygon'], f_circle: ['圆', 'Circle'], f_corridor: ['走廊', 'Corridor'], f_hole: ['挖洞', 'Hole'],
  f_id: ['编号', 'Id'], f_tags: ['标签', 'Tags'], f_limit: ['限速 km/h', 'Limit km/h'], f_radius: ['半径 m', 'Radius m'], f_width: ['半宽 m', 'Half width m'],
  f_when: ['时段', 'Schedule'], f_when_hint: ['always 或如 mon-fri 07:00-09:00', 'always, or such as mon-fri 07:00-09:00'], f_valid_from: ['生效', 'Valid from'], f_valid_to: ['失效', 'Valid to'],
  f_upload: ['上传 GeoJSON / KML', 'Upload GeoJSON / KML'], f_end: ['停用', 'End it'], f_end_sure: ['停用后不再用于判定,历史保留', 'It is not judged by any more; its history stays'],
  f_hint_circle: ['点击圆心,再点击圆上一点', 'Click the centre, then a point of the circle'], f_hint_corridor: ['依次点击中线的点,双击或回车结束', 'Click along the middle; double click or Enter ends'],
  f_saved: ['围栏已保存', 'The fence is saved'], f_valid: ['有效', 'Valid'], f_needs_shape: ['请先在地图上画出形状', 'Draw its shape on the map first'], f_snap: ['吸附顶点', 'Snap to corners'], f_refused: ['未采纳', 'Refused'], f_edit: ['编辑', 'Edit'], f_undo: ['撤销一点', 'Undo a corner'],

  r_source: ['依据', 'Source'], r_conditions: ['条件', 'Conditions'], r_edit: ['编辑规则文件', 'Edit the rules file'], r_text: ['规则文件', 'Rules file'], r_put: ['启用', 'Put into force'], r_put_sure: ['从生效时间起按新规则判定', 'What comes from then on is judged by it'],
  r_put_done: ['新规则已生效', 'The new rules hold'], r_mistakes: ['有错误,规则没有启用', 'With mistakes; nothing was taken'], r_versions: ['历次版本', 'Versions'], r_try: ['用历史数据试算', 'Try on what is stored'],
  r_try_hint: ['用编辑框中的规则重算所选时段的全部历史数据,与现有线索比对;只读,不改变任何线索和规则。', 'Judges what is stored of the chosen days by the rules in the box and holds it against what stands. Nothing is changed.'],
  r_try_rule: ['调整阈值并试算', 'Change thresholds and try'], r_run: ['开始试算', 'Run'], r_stop: ['停止试算', 'Stop it'], r_stopped: ['试算已停止', 'It was stopped'], r_only_device: ['只算一台车船', 'One device only'], r_only_device_hint: ['如 phone:13900000001,空为全部', 'such as phone:13900000001; all when empty'],
  r_progress: ['已算 {done} / {all}', '{done} of {all}'], r_standing: ['现有线索', 'Stands'], r_found: ['试算结果', 'Found'], r_same: ['相同', 'Same'], r_new: ['新增', 'New'], r_gone: ['不再出现', 'Gone'], r_change: ['对比', 'Difference'], r_reports: ['重算报文', 'Reports judged'],
  r_by_rule: ['分规则对比', 'By rule'], r_kept: ['只保留最早的 {n} 条明细,计数为全部', 'The first {n} rows are kept; the counts are of all'], r_apply: ['填入规则文件', 'Put into the file'], r_no_difference: ['与现有线索完全一致', 'Exactly what stands'], r_failed: ['试算失败', 'It failed'],
  r_unchecked: ['未核实', 'Not checked against the official text'], r_sample: ['示例政策', 'Sample policy'], r_live: ['实时提醒', 'Live warning'], r_off: ['已关闭', 'Off'],
  r_line: ['第 {n} 行', 'Line {n}'], r_where: ['地点', 'Where'], r_who: ['对象', 'Whom'], r_hold: ['持续', 'Hold time'], r_for: ['由谁处理', 'Who must act'], r_discard: ['放弃修改', 'Discard'],

  h_lists: ['六个清单', 'Six lists'], h_board: ['看板', 'Board'], h_table: ['列表', 'List'], h_overdue: ['逾期', 'Overdue'], h_deadline: ['时限', 'Deadline'], h_steps: ['可办理的步骤', 'Next steps'],
  h_history: ['办理经过', 'History'], h_books: ['导出台账', 'Books'], h_book_six: ['六个清单(工作簿)', 'Six lists (workbook)'], h_book_village: ['一村一册', 'Book of a village'], h_book_company: ['一企一档', 'File of an enterprise'], h_book_sector: ['一行业一册', 'Book of a sector'],
  h_open: ['未销号', 'Open'], h_major: ['重大未销号', 'Major, open'], h_closed: ['已销号', 'Closed'], h_relapsed: ['反弹', 'Relapsed'], h_all: ['全部', 'All'], h_new: ['登记隐患', 'Record a hazard'],
  h_take: ['办理', 'Take the step'], h_note: ['说明', 'Note'], h_taken: ['已办理', 'The step is on record'], h_description: ['隐患描述', 'Description'], h_grade: ['等级', 'Grade'], h_unit: ['责任单位', 'Unit'], h_back: ['返回', 'Back'], h_attach: ['附件', 'Attachment'], h_source: ['来源', 'Source'],
  h_refused: ['不允许', 'Not allowed'],

  s_part_status: ['状态看板', 'Status'], s_part_storm: ['风雨汛情', 'Storm'], s_condition: ['工况', 'Condition'], s_alarm: ['报警', 'Alarm'], s_fault: ['故障', 'Fault'], s_test: ['测试', 'Test'], s_normal: ['正常', 'Normal'], s_age: ['距今', 'Age'],
  s_kind: ['监测类型', 'Kind'], s_installed: ['已安装站点', 'Sites installed'], s_reporting: ['24小时在线', 'Reporting in 24 h'], s_coverage: ['在线率', 'Coverage'], s_by: ['汇总', 'Add up by'], s_all_sites: ['合计', 'All'], s_unsaid: ['未登记', 'Not said'], s_worst: ['只看异常', 'Only what is not well'], s_thresholds: ['阈值来自现行规则,物理量程为灰线', 'Thresholds are those of the rules that hold; grey: the physical range'], s_no_values: ['这段时间没有数据', 'No values in this span'],
  'q_rain': ['雨量', 'Rain'], 'q_rain_now': ['雨量', 'Rain'], 'q_rain_5min': ['5分钟雨量', 'Rain in 5 min'], 'q_rain_total': ['累计雨量', 'Rain, total'], 'q_level': ['水位', 'Water level'], 'q_river_level': ['河道水位', 'River level'],
  'q_reservoir_level': ['水库水位', 'Reservoir level'], 'q_pond_level': ['山塘水位', 'Pond level'], 'q_flood_depth': ['积水深度', 'Flood depth'], 'q_pump_power': ['排涝站供电', 'Pump power'], 'q_residual_current': ['剩余电流', 'Residual current'], 'q_cable_temperature': ['线缆温度', 'Cable temperature'],
  'q_hydrant_pressure': ['消火栓压力', 'Hydrant pressure'], 'q_hydrant_open': ['消火栓开启', 'Hydrant open'], 'q_fire_alarm': ['火警', 'Fire alarm'], 'q_fire_fault': ['火灾报警故障', 'Fire system fault'], 'q_fire_main_power_fault': ['主电故障', 'Main power fault'], 'q_duty_check': ['查岗', 'Duty check'],
  'q_gas': ['可燃气体', 'Gas'], 'q_charger_temperature': ['充电设备温度', 'Charger temperature'], 'q_charger_power': ['充电功率', 'Charger power'], 'q_ammonia': ['氨氮', 'Ammonia'], 'q_cod': ['化学需氧量', 'COD'], 'q_ph': ['pH', 'pH'],
  'q_turbidity': ['浑浊度', 'Turbidity'], 'q_free_chlorine': ['余氯', 'Free chlorine'], 'q_w01001': ['pH', 'pH'], 'q_w01003': ['浑浊度', 'Turbidity'], 'q_w01018': ['化学需氧量', 'COD'], 'q_w21003': ['氨氮', 'Ammonia'],
  'q_weather.temperature': ['气温', 'Air temperature'], 'q_weather.wind': ['风速', 'Wind'], 'q_weighing.gross': ['毛重', 'Gross'], 'q_weighing.tare': ['皮重', 'Tare'], 'q_weighing.axles': ['轴数', 'Axles'], 'q_weighing.plate': ['过磅车牌', 'Plate weighed'],
  w_at: ['截至', 'As of'], w_now: ['当前', 'Now'], w_rain: ['累计雨量 mm', 'Rain mm'], w_signal: ['达到标准', 'Reached'], w_gaps: ['≥ 表示时段内有缺测,实际雨量不少于此数;预警标准来自现行规则', '≥: values are missing, it rained no less than this. Signals are those of the rules that hold'],
  w_most: ['最大1小时雨量', 'Most in one hour'], w_reached: ['达到标准的雨量站', 'Gauges that reached a signal'], w_in_force: ['生效中的预警', 'Warnings in force'], w_levels: ['水位与积水', 'Water levels'], w_boats: ['在海船舶', 'Boats out'],
  s_sites: ['站点', 'Sites'], s_streams: ['监测项', 'Streams'], s_value: ['数值', 'Value'], s_state: ['状态', 'State'], s_last: ['最近数据', 'Last value'], s_range: ['时间范围', 'Span'], s_quantity: ['项目', 'Quantity'],
  s_ok: ['在线', 'Reports'], s_late: ['延迟', 'Late'], s_silent: ['中断', 'Silent'], s_never: ['从未上报', 'Never'], s_group: ['分组', 'By'], s_site: ['站点', 'Site'], s_village: ['村', 'Village'], s_company: ['企业', 'Company'], s_sector: ['行业', 'Sector'],
  s_low: ['下限', 'Low'], s_high: ['上限', 'High'], s_choose: ['选择左侧监测项查看曲线', 'Choose a stream on the left'], s_6h: ['6小时', '6 hours'], s_24h: ['24小时', '24 hours'], s_7d: ['7天', '7 days'], s_30d: ['30天', '30 days'], s_min: ['最小', 'Least'], s_max: ['最大', 'Greatest'], s_mean: ['平均', 'Mean'], s_gaps: ['空白处为数据中断', 'Where there is no line, no data came'],

  e_reports_s: ['上报速率', 'Reports per second'], e_devices: ['活动终端', 'Active devices'], e_commit: ['落盘应答 p50 / p99', 'Durable answer p50 / p99'], e_bytes_point: ['字节/点', 'Bytes per point'],
  e_head: ['内存头部', 'Heads in memory'], e_journal: ['日志', 'Journal'], e_pending: ['待落盘', 'Waiting for the disk'], e_store: ['数据文件', 'Data files'], e_disk: ['磁盘剩余', 'Disk left'], e_full: ['预计写满', 'Days to full'],
  e_refused: ['拒收', 'Refused'], e_refused_list: ['拒收样本', 'Samples of what was refused'], e_busy: ['忙拒绝', 'Busy refusals'], e_findings: ['线索', 'Findings'], e_http: ['网页请求', 'HTTP requests'], e_links: ['平台级联', 'Links with platforms'], e_stations: ['船舶接收站', 'Receivers'],
  e_reason: ['原因', 'Reason'], e_peer: ['来源', 'From'], e_bytes: ['字节', 'Bytes'], e_metrics: ['全部指标', 'All metrics'], e_metric: ['指标', 'Metric'], e_rate_chart: ['上报速率与落盘时延', 'Reports per second and latency'], e_duplicates: ['重复', 'Duplicates'], e_queue: ['查询排队', 'Questions waiting'],

  nav_duty: ['值班室', 'Duty room'], nav_calendar: ['任务日历', 'Calendar'],
  y_roll: ['在港在海清点', 'Roll-call'], y_alarms: ['报警队列', 'Alarms'], y_collisions: ['碰撞预警', 'Collision courses'], y_warnings: ['预警信息', 'Warnings'], y_incidents: ['险情', 'Incidents'], y_log: ['值班日志', 'Shift log'],
  y_boats: ['船舶', 'Boats'], y_in: ['在港', 'In harbour'], y_sea: ['在海', 'At sea'], y_dark: ['失联', 'Dark'], y_unknown: ['不明', 'Unknown'], y_overdue: ['逾期未归', 'Overdue'], y_people: ['在海人数', 'People at sea'],
  y_dark_after: ['失联判定', 'Dark after'], y_silent: ['静默', 'Silent for'], y_place: ['所在', 'Where'], y_aboard: ['船上人数', 'Aboard'], y_by_village: ['分村统计', 'By village'], y_harbours: ['渔港', 'Harbours'], y_present: ['在泊', 'Present'], y_capacity: ['容量', 'Capacity'],
  y_raised: ['本班报警', 'Raised in this shift'], y_open: ['待应答', 'Open'], y_acknowledged: ['已应答', 'Acknowledged'], y_in_time: ['按时应答', 'In time'], y_escalated: ['已升级', 'Escalated'], y_clock: ['应答时限', 'Clock'], y_acknowledge: ['应答', 'Acknowledge'],
  y_merchant: ['商渔', 'Merchant and fishing'], y_headline: ['内容', 'What'], y_active: ['生效中', 'Active'], y_sign: ['签收', 'Take note'],
  y_report: ['报告险情', 'Report an incident'], y_collision: ['碰撞', 'Collision'], y_sinking: ['自沉', 'Sinking'], y_wind: ['风灾', 'Wind'], y_fire: ['火灾', 'Fire'], y_missing: ['失踪', 'Missing'],
  y_write: ['记事', 'Write'], y_handover: ['交班', 'Hand over'], y_handover_to: ['接班人', 'To'], y_accept: ['接班', 'Take over'],
  c_due: ['截止', 'Due'], c_task: ['任务', 'Task'], c_subject: ['对象', 'Subject'], c_done: ['完成', 'Done'], c_do: ['完成登记', 'Done'], c_waive: ['免除', 'Waive'], c_evidence: ['佐证', 'Evidence'], c_day: ['完成日期', 'Day'], c_month: ['月份', 'Month'],
  c_overdue: ['逾期', 'Overdue'], c_due_soon: ['临期', 'Due soon'], c_open: ['进行中', 'Open'], c_upcoming: ['未到期', 'Upcoming'], c_done_late: ['逾期完成', 'Done late'], c_waived: ['免除', 'Waived'],
} satisfies Record<string, [string, string]>;

export type Key = keyof typeof table;

let language = readLanguage();

function readLanguage(): 'zh' | 'en' {
  return localStorage.getItem('zayton.language') === 'en' ? 'en' : 'zh';
}

export const chinese = (): boolean => language === 'zh';

export function setLanguage(to: 'zh' | 'en'): void {
  language = to;
  localStorage.setItem('zayton.language', to);
  document.documentElement.lang = to === 'zh' ? 'zh-CN' : 'en';
}

export function t(key: Key, values: Record<string, string | number> = {}): string {
  const text = table[key][chinese() ? 0 : 1];
  return Object.entries(values).reduce((s, [name, value]) => s.replace(`{${name}}`, String(value)), text);
}

/* A word of a family whose members the server names, such as class_muck; the token itself where there is none. */
export function word(prefix: string, token: string | null | undefined): string {
  const key = `${prefix}_${token ?? ''}`;
  return key in table ? t(key as Key) : token ?? '—';
}

/* What the server says in both languages: x and x_zh. */
export function said(object: Record<string, unknown>, key: string): string {
  return String((chinese() ? object[`${key}_zh`] : undefined) ?? object[key] ?? '');
}
