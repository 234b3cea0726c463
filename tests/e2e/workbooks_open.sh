#!/bin/sh
# workbooks_open.sh ZAYTON -- every workbook of the program opened by LibreOffice, where it is installed (77: it is not),
# and what stands in it read back as text.
set -eu
command -v soffice >/dev/null || exit 77
zayton=$1
work=$(mktemp -d "${TMPDIR:-/tmp}/zayton-office-XXXXXX")
trap 'rm -rf "$work"' EXIT
store=$work/store
printf 'phone,plate_colour,plate\n13800000001,黄,闽C12345\n' >"$work/devices.csv"
printf '附件,任务,责任单位,完成时限\n2,建立一村一册,各村委会,2026-06-30\n' >"$work/tasks.csv"
printf '场所,日期,old_estate_total,old_estate_marked\n东园小区,2026-03-01,10,7\n' >"$work/figures.csv"
"$zayton" import devices "$work/devices.csv" --data "$store" >/dev/null
"$zayton" import tasks "$work/tasks.csv" --data "$store" >/dev/null
"$zayton" import figures "$work/figures.csv" --data "$store" >/dev/null
ask() { # FILE QUESTION...
	file=$work/$1.xlsx
	shift
	"$zayton" query "$@" --data "$store" --format xlsx -o "$file"
}
ask tasks tasks --annex 2 --from 2026-01-01 --to 2026-12-31
ask lanes fire-lanes --quarter 2026Q1
ask sites fire-sites --month 2026-03
ask kpi kpi --from 2026-01-01T00:00:00Z --to 2026-12-31T00:00:00Z
ask score score --quarter 2026Q1 --by driver
for kind in lists two three five; do
	"$zayton" export hazards --data "$store" --kind $kind -o "$work/$kind.xlsx"
done
cd "$work"
HOME=$work soffice --headless --convert-to 'csv:Text - txt - csv (StarCalc):44,34,76' ./*.xlsx >"$work/said" 2>&1 </dev/null
for file in ./*.xlsx; do [ -s "${file%.xlsx}.csv" ] || { echo "not opened: $file"; cat "$work/said"; exit 1; }; done
grep -q '^打通消防生命通道工作统计表' lanes.csv
grep -q '10,7,3,70' lanes.csv
grep -q '建立一村一册.*2026-06-30' tasks.csv
